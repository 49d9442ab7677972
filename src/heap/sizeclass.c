/* sizeclass.c: the table of size classes. */
#include "heap/sizeclass.h"

#define CLASS(bytes, pages)                                                                                  \
    {                                                                                                        \
        (bytes), (uint32_t)(((UINT64_C(1) << 32) + (bytes)-1) / (bytes)),                                    \
            (uint16_t)((pages)*HEAP_PAGE_BYTES / (bytes)), (pages)                                           \
    }

/* Pages per span: at least 4 so that few spans serve many blocks, and enough for 8 blocks where 16 pages
 * allow it; among those the shortest whose tail is at most 1.2 % (tests/unit/heap/sizeclass_test.c). */
const struct sizeclass sizeclass_table[SIZECLASS_COUNT] = {
    /* clang-format off */
    CLASS(16, 4), CLASS(24, 4), CLASS(32, 4), CLASS(40, 4), CLASS(48, 4),
    CLASS(56, 4), CLASS(64, 4), CLASS(72, 4), CLASS(80, 4), CLASS(88, 4),
    CLASS(96, 4), CLASS(104, 4), CLASS(112, 4), CLASS(120, 4), CLASS(128, 4),
    CLASS(144, 4), CLASS(160, 4), CLASS(176, 4), CLASS(192, 4),
    CLASS(208, 4), CLASS(224, 4), CLASS(240, 4), CLASS(256, 4),
    CLASS(288, 5), CLASS(320, 4), CLASS(352, 4), CLASS(384, 5),
    CLASS(416, 4), CLASS(448, 7), CLASS(480, 4), CLASS(512, 4),
    CLASS(576, 9), CLASS(640, 5), CLASS(704, 4), CLASS(768, 6),
    CLASS(832, 8), CLASS(896, 7), CLASS(960, 4), CLASS(1024, 4),
    CLASS(1152, 9), CLASS(1280, 5), CLASS(1408, 8), CLASS(1536, 6),
    CLASS(1664, 9), CLASS(1792, 7), CLASS(1920, 8), CLASS(2048, 4),
    CLASS(2304, 9), CLASS(2560, 5), CLASS(2816, 9), CLASS(3072, 6),
    CLASS(3328, 9), CLASS(3584, 7), CLASS(3840, 15), CLASS(4096, 8),
    CLASS(4608, 9), CLASS(5120, 10), CLASS(5632, 11), CLASS(6144, 12),
    CLASS(6656, 13), CLASS(7168, 14), CLASS(7680, 15), CLASS(8192, 16),
    CLASS(9216, 9), CLASS(10240, 15), CLASS(11264, 11), CLASS(12288, 15),
    CLASS(13312, 13), CLASS(14336, 14), CLASS(15360, 15), CLASS(16384, 16),
    CLASS(18432, 9), CLASS(20480, 15), CLASS(22528, 11), CLASS(24576, 12),
    CLASS(26624, 13), CLASS(28672, 14), CLASS(30720, 15), CLASS(32768, 16),
    /* clang-format on */
};
