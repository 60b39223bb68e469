"""Other solvers, given the same integers: each module makes the peer's model of a RoutingProblem and runs it."""
