"""Near numbers for sites and customers that are near, so that what a search touches lies together in memory."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, coo_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from lastmile.solvers.location_problem import LocationProblem, LocationSolution


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """By new number, the old one."""

    site: NDArray[np.int32]
    customer: NDArray[np.int32]

    @classmethod
    def of(cls, problem: LocationProblem) -> "Order":
        """By the pairs alone: reverse Cuthill-McKee (1969), doi:10.1145/800195.805928, on sites and customers.

        Sites of a kind come together.
        """
        sites, customers = len(problem.opening), len(problem.unserved)
        pairs = coo_array(
            (np.ones(len(problem.pair_site), dtype=np.int8), (problem.pair_site, problem.pair_customer)),
            shape=(sites, customers),
        )
        found = reverse_cuthill_mckee(block_array([[None, pairs], [pairs.T, None]], format="csr"), symmetric_mode=True)
        site = found[found < sites].astype(np.int32)
        by_kind = site[np.argsort(problem.kinds()[site], kind="stable")]
        return cls(by_kind, (found[found >= sites] - sites).astype(np.int32))

    def renumber(self, problem: LocationProblem) -> LocationProblem:
        """The same problem in new numbers."""
        to_site, to_customer = _inverse(self.site), _inverse(self.customer)
        return replace(
            problem,
            opening=problem.opening[self.site],
            unserved=problem.unserved[self.customer],
            pair_site=to_site[problem.pair_site],
            pair_customer=to_customer[problem.pair_customer],
            capacity=None if problem.capacity is None else problem.capacity[self.site],
            amount=None if problem.amount is None else problem.amount[self.customer],
            kind=None if problem.kind is None else problem.kind[self.site],
            standing=None if problem.standing is None else problem.standing[self.site],
        )

    def new(self, sites: NDArray[np.int32]) -> NDArray[np.int32]:
        """New numbers of sites."""
        return _inverse(self.site)[sites]

    def restore(self, solution: LocationSolution) -> LocationSolution:
        """A solution in the old numbers."""
        served_by, customer = self.site[solution.served_by], self.customer[solution.served_customer]
        order = np.lexsort((served_by, customer))
        return replace(
            solution,
            sites=np.sort(self.site[solution.sites]),
            served_by=served_by[order],
            served_customer=customer[order],
            served_share=solution.served_share[order],
        )


def _inverse(order: NDArray[np.int32]) -> NDArray[np.int32]:
    result = np.empty_like(order)
    result[order] = np.arange(len(order), dtype=order.dtype)
    return result
