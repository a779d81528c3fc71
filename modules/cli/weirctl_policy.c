
/*
 * Weir: weirctl check, test and eval.  (The lead is writing this file; the
 * policy engineer has the nginx glue.)
 */
