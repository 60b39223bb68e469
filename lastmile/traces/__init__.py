"""What vehicles really drove: recorded traces, the speeds in them, the zones they entered, and the plan beside them."""
