#include "siting/Covering.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

namespace lastmile::siting {

Near::Near(const CoveringPart& part) : first(part.weight.size() + 1, 0), site(part.customer.size()) {
    for (const std::int32_t c : part.customer) ++first[c + 1];
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::size_t> next(first.begin(), first.end() - 1);
    for (std::size_t k = 0; k < part.site.size(); ++k)
        for (const std::int32_t c : part.of(k)) site[next[c]++] = static_cast<std::int32_t>(k);
}

Covering::Covering(const Location& location) : location(location), weight(location.unserved.size(), 0), first{0} {
    if (!location.capacity.empty()) throw std::invalid_argument("covering knows no capacities");
    for (std::int32_t c = 0; c < location.customers(); ++c) {
        const auto near = location.near(c);
        const Cost unserved = location.unserved[c];
        const Cost covered = near.empty() ? unserved : std::min(unserved, near.front().cost);
        if (!near.empty() && near.front().cost != near.back().cost)
            throw std::invalid_argument("customer " + std::to_string(c) + " costs more at one site than at another");
        paid += static_cast<double>(covered);
        weight[c] = static_cast<double>(unserved - covered);
    }
    for (std::int32_t s = 0; s < location.sites(); ++s) {
        for (const Location::Pair& pair : location.of(s))
            if (weight[pair.other] > 0) customer.push_back(pair.other);
        first.push_back(customer.size());
    }
}

CoveringPart Covering::part(std::vector<Choice>& decided) const {
    CoveringPart found = left(decided);
    const std::vector<std::size_t> none = dominated(found);
    if (none.empty()) return found;
    for (const std::size_t k : none) decided[found.site[k]] = Choice::kClosed;
    return left(decided);
}

/// Customers begin as one class, and each site cuts every class into those it covers and the others.
CoveringPart Covering::left(const std::vector<Choice>& decided) const {
    const auto covered = [&](std::size_t s) {
        return std::span(customer.data() + first[s], first[s + 1] - first[s]);
    };
    CoveringPart part;
    part.paid = paid;
    constexpr std::int32_t kCovered = -1;
    std::vector<std::int32_t> classOf(weight.size(), 0);  // class of each customer
    std::vector<std::int32_t> room = location.most;
    for (std::size_t s = 0; s < decided.size(); ++s) {
        if (decided[s] != Choice::kOpen) continue;
        part.paid += static_cast<double>(location.opening[s]);
        --room[location.kind[s]];
        for (const std::int32_t c : covered(s)) classOf[c] = kCovered;
    }
    std::vector<std::size_t> cutBy{0};  // by class: the site that cut it last, in numbers of the part from 1 on
    std::vector<std::int32_t> into{0};  // and the class that it cut off
    for (std::size_t s = 0; s < decided.size(); ++s) {
        const std::int32_t kind = location.kind[s];
        if (decided[s] != Choice::kFree || room[kind] <= 0) continue;
        if (part.kinds.empty() || location.kind[part.site.back()] != kind)
            part.kinds.push_back({part.site.size(), part.site.size(), static_cast<std::size_t>(room[kind])});
        part.site.push_back(static_cast<std::int32_t>(s));
        part.kinds.back().to = part.site.size();
        part.opening.push_back(static_cast<double>(location.opening[s]));
        for (const std::int32_t c : covered(s)) {
            std::int32_t& is = classOf[c];
            if (is == kCovered) continue;
            if (cutBy[is] != part.site.size()) {
                cutBy[is] = part.site.size();
                into[is] = static_cast<std::int32_t>(into.size());
                cutBy.push_back(0);
                into.push_back(0);
            }
            is = into[is];
        }
    }
    std::vector<std::int32_t> numberOf(into.size(), -1);  // by class
    part.number.assign(weight.size(), -1);
    for (std::size_t c = 0; c < weight.size(); ++c) {
        if (classOf[c] == kCovered) continue;
        if (classOf[c] == 0) {
            part.paid += weight[c];
            continue;
        }
        std::int32_t& number = numberOf[classOf[c]];
        if (number < 0) {
            number = static_cast<std::int32_t>(part.weight.size());
            part.weight.push_back(0);
        }
        part.number[c] = number;
        part.weight[number] += weight[c];
    }
    part.first.push_back(0);
    std::vector<std::size_t> of(part.weight.size(), 0);  // by customer of the part: the last site, from 1 on
    for (std::size_t k = 0; k < part.site.size(); ++k) {
        for (const std::int32_t c : covered(part.site[k])) {
            const std::int32_t number = part.number[c];
            if (number < 0 || of[number] == k + 1) continue;
            of[number] = k + 1;
            part.customer.push_back(number);
        }
        part.first.push_back(part.customer.size());
    }
    return part;
}

/// Of sites that are worth the same the first one is kept.
std::vector<std::size_t> Covering::dominated(const CoveringPart& part) {
    const Near near(part);
    std::vector<std::size_t> found;
    std::vector<std::uint8_t> gone(part.site.size(), 0);
    const auto isWithin = [&](std::size_t k, std::size_t other) {
        return std::all_of(part.of(k).begin(), part.of(k).end(), [&](std::int32_t c) {
            return std::binary_search(near.of(c).begin(), near.of(c).end(), static_cast<std::int32_t>(other));
        });
    };
    for (const CoveringPart::Kind& kind : part.kinds)
        for (std::size_t k = kind.from; k < kind.to; ++k) {
            const auto of = part.of(k);
            bool none = of.empty();
            if (!none) {
                // Whoever covers as much covers the customer that fewest cover.
                const std::int32_t rarest = *std::min_element(of.begin(), of.end(), [&](std::int32_t a, std::int32_t b) {
                    return near.of(a).size() < near.of(b).size();
                });
                for (const std::int32_t n : near.of(rarest)) {
                    const auto other = static_cast<std::size_t>(n);
                    if (other == k || gone[other] || other < kind.from || other >= kind.to ||
                        part.opening[other] > part.opening[k] || part.of(other).size() < of.size())
                        continue;
                    const bool same = part.opening[other] == part.opening[k] && part.of(other).size() == of.size();
                    if ((same && other > k) || !isWithin(k, other)) continue;
                    none = true;
                    break;
                }
            }
            if (!none) continue;
            gone[k] = 1;
            found.push_back(k);
        }
    return found;
}

std::vector<double> Covering::gather(const CoveringPart& part, std::span<const float> prices) {
    std::vector<double> result(part.weight.size(), 0);
    for (std::size_t c = 0; c < prices.size(); ++c)
        if (part.number[c] >= 0) result[part.number[c]] += static_cast<double>(prices[c]);
    return result;
}

std::vector<float> Covering::spread(const CoveringPart& part, std::span<const double> prices) const {
    std::vector<float> result(weight.size(), 0);
    for (std::size_t c = 0; c < result.size(); ++c)
        if (const std::int32_t number = part.number[c]; number >= 0)
            result[c] = static_cast<float>(prices[number] * weight[c] / part.weight[number]);
    return result;
}

}  // namespace lastmile::siting
