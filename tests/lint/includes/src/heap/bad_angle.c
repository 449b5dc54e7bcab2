#include <heap/fine.h>
