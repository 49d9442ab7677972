/* detail.h: the text that goes with an error: what is wrong and what to do about it. */
#ifndef CAIRN_HEAP_DETAIL_H
#define CAIRN_HEAP_DETAIL_H

#define DETAIL_BYTES 512 /* of the `detail` fields of heap.h; what does not fit is cut */

__attribute__((format(printf, 2, 3))) void detail_say(char detail[DETAIL_BYTES], const char *format, ...);

#endif
