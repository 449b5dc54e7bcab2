/* bad_name.h - the path is not whole.
 * Model:    none.
 * Owner:    nobody.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     none. */
