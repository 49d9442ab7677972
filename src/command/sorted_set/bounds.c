/* bounds.c: parsing ranges, and finding them in a set. */
#include "command/sorted_set/bounds.h"

#include "util/assert.h"
#include "util/number.h"
#include "util/range.h"

static bool parse_score(struct slice text, bool is_high, struct zset_bound *bound_out)
{
    bool exclusive = text.len > 0 && text.ptr[0] == '(';
    struct slice number = {text.ptr + exclusive, text.len - exclusive};
    *bound_out = (struct zset_bound){.after = exclusive != is_high};
    return number.len == 0 || number_parse_double(number, &bound_out->score); /* nothing is 0, as in Redis */
}

static bool parse_lex(struct slice text, bool is_high, struct zset_bound *bound_out)
{
    char mark = text.len > 0 ? text.ptr[0] : 0;
    if (mark == '-' || mark == '+') *bound_out = mark == '-' ? ZSET_START : ZSET_END;
    if (mark == '-' || mark == '+') return text.len == 1;
    *bound_out =
        (struct zset_bound){.member = {text.ptr + 1, text.len - 1}, .after = (mark == '(') != is_high};
    return mark == '(' || mark == '[';
}

bool sorted_set_range_parse(struct call *call, enum sorted_set_range_kind kind, size_t low, size_t high,
                            struct sorted_set_range *range_out)
{
    struct slice first = call->argv[low], last = call->argv[high];
    range_out->kind = kind;
    switch (kind) {
    case RANGE_RANK:
        return call_int(call, low, &range_out->first_rank) && call_int(call, high, &range_out->last_rank);
    case RANGE_SCORE:
        if (parse_score(first, false, &range_out->first) && parse_score(last, true, &range_out->last))
            return true;
        resp_error(call->out, "ERR min or max is not a float");
        return false;
    case RANGE_LEX:
        if (parse_lex(first, false, &range_out->first) && parse_lex(last, true, &range_out->last))
            return true;
        resp_error(call->out, "ERR min or max not valid string range item");
        return false;
    }
    return false;
}

/* Where the bound's member stands when scores are not looked at. */
static struct zset_bound among_members(const struct zset_view *view, const struct zset_bound *bound)
{
    uint64_t low = 0, high = zset_view_count(view);
    struct zset_bound place = ZSET_END;
    while (low < high) {
        struct zset_position position;
        uint64_t middle = (low + high) / 2;
        bool found = zset_view_at(view, middle, &position);
        ASSERT(found);
        struct zset_item item = zset_view_item(view, &position);
        int side = zset_compare_members(item.member, bound->member);
        if (side < 0 || (side == 0 && bound->after)) {
            low = middle + 1;
        } else {
            high = middle;
            place = (struct zset_bound){.score = item.score, .member = item.member};
        }
    }
    return place;
}

void sorted_set_range_settle(struct sorted_set_range *range, const struct zset_view *view)
{
    struct zset_bound *bounds[2] = {&range->first, &range->last};
    struct zset_position first, last;
    if (range->kind != RANGE_LEX || !zset_view_at(view, 0, &first)) return;
    if (!zset_view_at(view, zset_view_count(view) - 1, &last)) return;
    double low = zset_view_item(view, &first).score, high = zset_view_item(view, &last).score;
    for (unsigned i = 0; i < 2; i++) {
        if (bounds[i]->member.ptr == NULL) continue;
        if (low < high) *bounds[i] = among_members(view, bounds[i]);
        else bounds[i]->score = low;
    }
}

void sorted_set_range_ranks(struct sorted_set_range *range, const struct zset_view *view, uint64_t *first_out,
                            uint64_t *end_out)
{
    *first_out = *end_out = 0;
    if (range->kind == RANGE_RANK) {
        int64_t first = range->first_rank, last = range->last_rank, count = (int64_t)zset_view_count(view);
        if (last < -count || !range_clamp(&first, &last, count))
            return; /* a range of bytes would begin at 0 */
        *first_out = (uint64_t)first;
        *end_out = (uint64_t)last + 1;
        return;
    }
    sorted_set_range_settle(range, view);
    *first_out = zset_view_rank_of(view, &range->first);
    *end_out = zset_view_rank_of(view, &range->last);
    if (*end_out < *first_out) *end_out = *first_out;
}
