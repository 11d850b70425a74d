#ifndef USNEA_REMOVE_H
#define USNEA_REMOVE_H

/* An entry of a directory, whatever it is and holds. One that is not there is removed. Returns 0 or an errno. */
int remove_below(int directory, const char *name);

#endif
