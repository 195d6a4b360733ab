#ifndef TABLESNAP_IO_PRIORITY_H
#define TABLESNAP_IO_PRIORITY_H

/*
 * Gives every thread of the process the idle I/O class and at least this nice value; threads that are made later
 * inherit both from their makers. @returns 0, or an errno when some thread could not be changed
 */
int priority_lower(int nice);

#endif
