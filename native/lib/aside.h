#ifndef USNEA_ASIDE_H
#define USNEA_ASIDE_H

#include <stddef.h>

/* Starts the program (a descriptor) as nobody's child, with these descriptors open and no others. 0 or errno. */
int start_aside(int program, char **argv, const int *kept, size_t count);

#endif
