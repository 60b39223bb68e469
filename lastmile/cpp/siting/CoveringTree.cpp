#include "siting/CoveringTree.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace lastmile::siting {

namespace {

constexpr std::int64_t kSteps = 150, kRootSteps = 2000;  // of a relaxation, at most
constexpr std::int64_t kAttempt = 200;                   // steps at the root from plan to plan
constexpr double kHopeless = 0.3;  // share of what a relaxation falls short of the limit: a smaller gap changes little
constexpr int kCuts = 20;          // rounds of cuts at the root, at most
constexpr double kLittle = 0.01;   // share of what the bound misses: cuts that raise it by less are the last ones
constexpr std::int64_t kOfCuts = 300;  // steps that a round's separation takes as long as
constexpr int kRounds = 3;         // of relaxing a part
constexpr double kMuchLess = 0.1;  // share of the sites that must be decided for another round

}  // namespace

CoveringTree::CoveringTree(const Location& location, std::span<const std::int8_t> decided)
    : location(location), covering(location), plan(location) {
    nodes.push({-std::numeric_limits<double>::infinity(), made++, location.choices(decided), nullptr});
}

double CoveringTree::bound() const {
    return nodes.empty() ? std::numeric_limits<double>::infinity() : nodes.top().bound;
}

double CoveringTree::limit() const { return std::min(limit_, static_cast<double>(cost_)); }

void CoveringTree::grow(std::int64_t visits, double limit) {
    left = visits;
    limit_ = limit;
    const Cost before = cost_;
    while (left > 0 && cost_ == before && !nodes.empty()) {
        Node node = nodes.top();
        nodes.pop();
        if (node.bound >= limit_) {
            nodes = {};
            return;
        }
        branch(std::move(node));
    }
}

void CoveringTree::branch(Node node) {
    const bool isRoot = node.state == nullptr;
    for (int round = 0;; ++round) {
        const CoveringPart part = covering.part(node.decided);
        const std::size_t sites = part.site.size();
        left -= static_cast<std::int64_t>(covering.customers() + covering.sites());
        if (sites == 0) {
            attempt(nullptr, {}, node.decided);
            return;
        }
        OddSets sets(part);
        std::optional<CoveringRelaxation> current(begin(part, node.state.get(), sets));
        const bool isPruned = relax(*current, part, node, isRoot && round == 0) ||
                              (isRoot && tighten(current, part, node, sets));
        CoveringRelaxation& relaxation = *current;
        node.bound = std::max(node.bound, relaxation.bound());
        if (isPruned) return;
        const CoveringRelaxation::ForcedOfPart forced = relaxation.forced();
        if (round == 0) attempt(&part, forced.isChosen, node.decided);
        State state{covering.spread(part, relaxation.prices()), std::vector<float>(covering.sites(), 0), {}, {},
                    relaxation.balance()};
        remember(part, relaxation, sets, state);
        std::size_t fixed = 0, cut = sites;
        double nearest = -1;
        for (std::size_t k = 0; k < sites; ++k) {
            const double share = relaxation.shares()[k];
            state.shares[part.site[k]] = static_cast<float>(share);
            const bool notOpen = forced.open[k] >= limit(), notClosed = forced.closed[k] >= limit();
            if (notOpen && notClosed) return;
            if (notOpen || notClosed) {
                node.decided[part.site[k]] = notOpen ? Choice::kClosed : Choice::kOpen;
                ++fixed;
            } else if (const double middle = std::min(share, 1 - share); middle > nearest) {
                nearest = middle;
                cut = k;
            }
        }
        node.state = std::make_shared<const State>(std::move(state));
        const bool muchLess = fixed > 0 && static_cast<double>(fixed) >= kMuchLess * static_cast<double>(sites);
        if ((muchLess && round + 1 < kRounds) || cut == sites) continue;
        for (const Choice choice : {Choice::kOpen, Choice::kClosed}) {
            Node child = node;
            child.decided[part.site[cut]] = choice;
            child.bound = std::max(node.bound, (choice == Choice::kOpen ? forced.open : forced.closed)[cut]);
            child.number = made++;
            nodes.push(std::move(child));
        }
        return;
    }
}

/// Sets with a price, in the problem's customers.
void CoveringTree::remember(const CoveringPart& part, const CoveringRelaxation& relaxation, const OddSets& sets,
                            State& state) {
    if (sets.size() == 0) return;
    std::vector<std::int32_t> one(part.weight.size(), 0);  // of the problem's customers, by the part's
    for (std::size_t c = 0; c < part.number.size(); ++c)
        if (part.number[c] >= 0) one[part.number[c]] = static_cast<std::int32_t>(c);
    for (std::size_t t = 0; t < sets.size(); ++t) {
        const double price = relaxation.prices()[part.weight.size() + t];
        if (price <= 0) continue;
        state.sets.emplace_back();
        for (const std::int32_t c : sets.of(t)) state.sets.back().push_back(one[c]);
        state.ofSets.push_back(price);
    }
}

/// The relaxation of a part from where that of a larger one ended.
CoveringRelaxation CoveringTree::begin(const CoveringPart& part, const State* state, OddSets& sets) {
    if (!state) return CoveringRelaxation::begin(part, &sets);
    std::vector<double> shares(part.site.size());
    for (std::size_t k = 0; k < shares.size(); ++k) shares[k] = static_cast<double>(state->shares[part.site[k]]);
    std::vector<double> prices = Covering::gather(part, state->prices);
    // Where a customer of a set is covered, or is one with another, the rows of the others say as much.
    std::vector<std::vector<std::int32_t>> whole;
    for (std::size_t t = 0; t < state->sets.size(); ++t) {
        std::vector<std::int32_t> set;
        for (const std::int32_t c : state->sets[t]) set.push_back(part.number[c]);
        std::sort(set.begin(), set.end());
        if (set.front() < 0 || std::adjacent_find(set.begin(), set.end()) != set.end()) continue;
        whole.push_back(std::move(set));
        prices.push_back(state->ofSets[t]);
    }
    sets.take(whole);
    return {part, std::move(prices), std::move(shares), state->balance, &sets};
}

/// Whether the relaxation gets the part out of the way.
bool CoveringTree::relax(CoveringRelaxation& relaxation, const CoveringPart& part, const Node& node, bool isRoot) {
    const auto pairs = static_cast<std::int64_t>(part.customer.size() + part.weight.size());
    for (std::int64_t steps = 0; relaxation.bound() < limit(); steps += CoveringRelaxation::kStride) {
        if (isRoot && steps % kAttempt == 0) attempt(&part, relaxation.forced().isChosen, node.decided);
        // Its end lies between bound and cost; where the cost is below the limit it cannot get there.
        const double missing = limit() - relaxation.cost();
        const bool isHopeless = missing > 0 && relaxation.cost() - relaxation.bound() < kHopeless * missing;
        if (isHopeless || steps >= (isRoot ? kRootSteps : kSteps)) return false;
        relaxation.run();
        left -= CoveringRelaxation::kStride * pairs;
    }
    return true;
}

/// Rounds of cuts, as long as they raise the bound; whether that gets the part out of the way.
bool CoveringTree::tighten(std::optional<CoveringRelaxation>& relaxation, const CoveringPart& part, const Node& node,
                           OddSets& sets) {
    for (int round = 0; round < kCuts; ++round) {
        const double before = relaxation->bound();
        relaxation.emplace(relaxation->cut(sets));
        left -= kOfCuts * static_cast<std::int64_t>(part.customer.size());
        if (relax(*relaxation, part, node, false)) return true;
        if (relaxation->bound() - before < kLittle * (limit() - relaxation->bound())) break;
    }
    return false;
}

/// The plan of what is decided and of the chosen sites of a part, improved.
void CoveringTree::attempt(const CoveringPart* part, const std::vector<std::uint8_t>& isChosen,
                           const std::vector<Choice>& decided) {
    std::vector<std::uint8_t> opens(covering.sites(), 0);
    for (std::size_t s = 0; s < opens.size(); ++s) opens[s] = decided[s] == Choice::kOpen;
    for (std::size_t k = 0; k < isChosen.size(); ++k)
        if (isChosen[k]) opens[part->site[k]] = 1;
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (plan.isOpen(s) && !opens[s]) plan.close(s);
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (!plan.isOpen(s) && opens[s]) plan.open(s);
    improve();
    if (plan.cost() >= cost_ || static_cast<double>(plan.cost()) >= limit_) return;
    cost_ = plan.cost();
    best_.clear();
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (plan.isOpen(s)) best_.push_back(s);
}

/// Opens what pays, and closes what another site, or none, is better than, until nothing gets better.
void CoveringTree::improve() {
    fill(plan);
    for (bool better = true; better;) {
        better = false;
        for (std::int32_t s = 0; s < location.sites(); ++s) {
            if (!plan.isOpen(s) || location.standing[s]) continue;
            const Cost before = plan.cost();
            plan.begin();
            plan.close(s);
            fill(plan);
            if (plan.cost() < before) {
                better = true;
            } else {
                plan.rollback();
            }
        }
    }
}

}  // namespace lastmile::siting
