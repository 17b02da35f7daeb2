bae_tests(crypto LABEL unit MODULES crypto)
bae_tests(s3 LABEL unit MODULES s3 crypto)
bae_tests(sync LABEL unit MODULES sync s3 crypto)
bae_tests(node LABEL unit MODULES node)
