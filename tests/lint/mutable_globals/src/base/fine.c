const char *const names[] = { "a", "b" };
