
/*
 * weirctl test --coverage.
 */

#ifndef WEIRCTL_COVERAGE_H_INCLUDED
#define WEIRCTL_COVERAGE_H_INCLUDED


#include <jansson.h>

#include "weirctl_policy.h"


/*
 * Tells what the tests of a bundle without errors leave out: as comments of
 * TAP, or as diagnostics into an array: errors where no test matches a rule,
 * else warnings.  WEIRCTL_NO where there is such a rule; WEIRCTL_GO_ON;
 * WEIRCTL_USAGE after a message.
 */
int weirctl_coverage(weirctl_bundle_t *b, json_t *array);


#endif /* WEIRCTL_COVERAGE_H_INCLUDED */
