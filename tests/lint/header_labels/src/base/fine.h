/* base/fine.h - as it should be.
 * Model:    none.
 * Owner:    nobody.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     none. */
