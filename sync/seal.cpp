#include "sync/round.h"

namespace bae::sync {

Result<void> Round::seal() {
    TRY(begin());
    if (!may_seal()) return finish();
    recall_own_head();
    TRY(seal_all());
    if (next_head_) TRY_CONTEXT(state_.mirror().put(head_path(state_.self()), seal_head()), "writing the mirror");
    return finish();
}

// What the mirror's own head says need not be said again.
void Round::recall_own_head() {
    const auto object = state_.mirror().get(head_path(state_.self()), kMaxHeadBytes);
    if (!object) return;
    const auto plaintext = open_verified(state_.membership(), state_.keyring(), crypto::ObjectKind::head,
                                         head_path(state_.self()), state_.self(), *object);
    const auto head = plaintext ? decode_head(*plaintext) : fail(ErrorKind::corrupt, "");
    if (!head) return;
    carrier_row_ = CarrierRow{head->counter, object->size(), 0, *head};
    own_head_listed_ = true;
}

}  // namespace bae::sync
