# Completion of bae for bash: source it, or install it as bash-completion's completions/bae.
_bae() {
    local word=${COMP_WORDS[COMP_CWORD]} command="" before="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --home | --to | --from | --name | --bucket-* | --limit-* | --import-threads | --node-poll-s) ((i++)) ;;
            -*) ;;
            *) if [ -z "$command" ]; then command=${COMP_WORDS[i]}; else before=${COMP_WORDS[i]}; fi ;;
        esac
    done
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --bucket-ca-file) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
        --home | --to | --from) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
    esac
    local words="--home --json --quiet --bucket-attempts --bucket-ca-file --bucket-give-up-after --bucket-parallel --bucket-stall-after --bucket-workers"
    words="$words --import-threads --limit-download --limit-upload --node-poll-s --help"
    case $command in
        "") words="init import list show get edit remove tag bucket sync status conflicts identity restore node digest dump verify $words --version" ;;
        init) words="--name --passphrase $words" ;;
        import) mapfile -t COMPREPLY < <(compgen -f -- "$word"; compgen -W "--copy --dry-run --again $words" -- "$word") && return ;;
        list) [ -n "$before" ] || words="albums releases tracks artists files tags collections devices $words" ;;
        get) words="--to $words" ;;
        edit | remove) [ -n "$before" ] || words="album artist release track tag collection file image device contact note $words" ;;
        tag) [ -n "$before" ] || words="add remove $words" ;;
        bucket)
            case $before in
                "") words="use probe $words" ;;
                use) words="--create $words" ;;
                probe) words="--thorough $words" ;;
            esac
            ;;
        sync) words="--mend-clock --yes $words" ;;
        status) words="--seen $words" ;;
        conflicts) [ -n "$before" ] || words="restore $words" ;;
        identity) [ -n "$before" ] || words="show export $words" ;;
        restore) words="--from --name --passphrase $words" ;;
        verify) words="--files --bucket --read-data $words" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _bae bae
