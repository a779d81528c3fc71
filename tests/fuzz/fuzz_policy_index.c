
/*
 * Fuzzer of the index: the input draws what the unit tests draw at random: a
 * policy, and requests to it.  Its image and the plain evaluator, which knows
 * no index, decide the same.
 */

#include "../unit/policy_agree.h"
#include "../unit/policy_random_keys.h"


#define REQUESTS  16


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                   i;
    policy_t                   p;
    const weir_policy_file_t  *file;

    seed = 1;
    drawn = data;
    ndrawn = size;

    if (rnd(2)) {
        random_policy();

    } else {
        put_rules();
    }

    policy_source(&p, text, len);

    /* a rule may cost more than is admitted */

    if (p.b.nerrors == 0) {

        file = agree_file(&p);

        for (i = 0; i < REQUESTS; i++) {
            (void) agree(&p, file, NULL);
        }
    }

    policy_done(&p);

    return 0;
}
