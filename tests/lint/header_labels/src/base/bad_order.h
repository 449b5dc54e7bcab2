/* base/bad_order.h - labels in the wrong order.
 * Owner:    nobody.
 * Model:    none.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     none. */
