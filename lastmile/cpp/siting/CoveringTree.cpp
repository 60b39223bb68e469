#include "siting/CoveringTree.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace lastmile::siting {

namespace {

constexpr std::int64_t kSteps = 150, kRootSteps = 2000;  // of a relaxation, at most
constexpr std::int64_t kAttempt = 200;                   // steps at the root from plan to plan
constexpr double kHopeless = 0.3;  // share of what a relaxation falls short of the limit: a smaller gap changes little
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
        CoveringRelaxation relaxation = begin(part, node.state.get());
        const bool isPruned = relax(relaxation, part, node, isRoot && round == 0);
        node.bound = std::max(node.bound, relaxation.bound());
        if (isPruned) return;
        const CoveringRelaxation::Forced forced = relaxation.forced();
        if (round == 0) attempt(&part, forced.isChosen, node.decided);
        State state{covering.spread(part, relaxation.prices()), std::vector<float>(covering.sites(), 0),
                    relaxation.balance()};
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

/// The relaxation of a part from where that of a larger one ended.
CoveringRelaxation CoveringTree::begin(const CoveringPart& part, const State* state) {
    if (!state) return CoveringRelaxation::begin(part);
    std::vector<double> shares(part.site.size());
    for (std::size_t k = 0; k < shares.size(); ++k) shares[k] = static_cast<double>(state->shares[part.site[k]]);
    return {part, Covering::gather(part, state->prices), std::move(shares), state->balance};
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
