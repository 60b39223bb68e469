"""Instances of a few nodes, one per family, as their files write them."""

# Distances between (0,0), (3,4), (0,1), (6,8): 5, 1, 10 from the first; sqrt(18) = 4.243, 5 and sqrt(85) = 9.220.
_COORDINATES = "NODE_COORD_SECTION\n1 0 0\n2 3 4\n3 0 1\n4 6 8\n"
_DEMAND = "DEMAND_SECTION\n1 0\n2 3\n3 4\n4 5\n"
_WINDOWS = "TIME_WINDOW_SECTION\n1 0 100\n2 5 20\n3 0 50\n4 10 90\n"
_DEPOT = "DEPOT_SECTION\n1\n-1\nEOF\n"


def _head(kind, *more):
    return "\n".join([f"TYPE : {kind}", "DIMENSION: 4", "EDGE_WEIGHT_TYPE : EUC_2D", *more, ""])


CVRP = "NAME : tiny\nCOMMENT : by hand: yes\n" + _head("CVRP", "CAPACITY : 7") + _COORDINATES + _DEMAND + _DEPOT
VRPTW = _head("VRPTW", "VEHICLES : 9", "CAPACITY : 7", "SERVICE_TIME : 2") + _COORDINATES + _DEMAND + _WINDOWS + _DEPOT
MDVRPTW = (
    _head("MDVRPTW", "VEHICLES: 3", "CAPACITY: 9", "VEHICLES_MAX_DURATION: 60")
    + _COORDINATES
    + "DEMAND_SECTION\n1 0\n2 0\n3 4\n4 5\n"
    + "SERVICE_TIME_SECTION\n1 0\n2 0\n3 1\n4 2\n"
    + _WINDOWS
    + "VEHICLES_DEPOT_SECTION\n1 1\n2 1\n3 2\nDEPOT_SECTION\n1\n2\nEOF\n"
)
SDVRPTW = (
    _head("SDVRPTW", "VEHICLES: 3", "VEHICLES_MAX_DURATION: 60")
    + _COORDINATES
    + _DEMAND
    + "SERVICE_TIME_SECTION\n1 0\n2 1\n3 1\n4 1\n"
    + _WINDOWS
    + "CAPACITY_SECTION\n1 9\n2 9\n3 12\nVEHICLES_ALLOWED_CLIENTS_SECTION\n1 2 3\n2 2 3\n3 2 3 4\n"
    + _DEPOT
)
HFVRP = (
    _head("HFVRP", "VEHICLES: 3")
    + _COORDINATES
    + _DEMAND
    + "CAPACITY_SECTION\n1 7\n2 12\n3 7\nVEHICLES_FIXED_COST_SECTION\n1 150\n2 320\n3 150\n"
    + "VEHICLES_UNIT_DISTANCE_COST_SECTION\n1 100\n2 134\n3 100\n"
    + _DEPOT
)
MTVRPTW = (
    _head("MTVRPTWR", "VEHICLES: 1", "CAPACITY: 8", "SERVICE_TIME: 2")
    + _COORDINATES
    + _DEMAND
    + _WINDOWS
    + "RELEASE_TIME_SECTION\n1 0\n2 0\n3 0\n4 30\nVEHICLES_RELOAD_DEPOT_SECTION\n1 1\n"
    + _DEPOT
)
PCVRPTW = (
    _head("PCVRPTW", "VEHICLES : 2", "CAPACITY : 7", "SERVICE_TIME : 2")
    + _COORDINATES
    + _DEMAND
    + _WINDOWS
    + "PRIZE_SECTION\n1 0\n2 6\n3 0\n4 8\n"
    + _DEPOT
)
GVRP = (
    _head("GVRP", "VEHICLES: 2", "CAPACITY: 9")
    + _COORDINATES
    + _DEMAND
    + "MUTUALLY_EXCLUSIVE_GROUP_SECTION\n1 2 4\n2 3\n"
    + _DEPOT
)
SOLOMON = """R999

VEHICLE
NUMBER     CAPACITY
  2         7

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0       0          0          0          0        100          0
    1       3          4          3          5         20          2
    2       0          1          4          0         50          2
"""
# The battery holds 6 and a unit of way takes 1: C1, 5 from the depot, needs station S1, at (3,0), 4 from it.
EVRPTW = """StringID   Type       x          y          demand     ReadyTime  DueDate    ServiceTime
D0         d          0.0       0.0       0.0        0.0        30.0     0.0
S1         f          3.0       0.0       0.0        0.0        30.0     0.0
C1         c          3.0       4.0       3.0        5.0        20.0     2.0

Q Vehicle fuel tank capacity /6.0/
C Vehicle load capacity /7.0/
r fuel consumption rate /1.0/
g inverse refueling rate /2.0/
v average Velocity /1.0/
"""
JD = """NAME : tiny
TYPE : EVRP-TW-SPD
DIMENSION : 3
VEHICLES : 5
DISPATCHINGCOST : 300
UNITCOST : 0.014
CAPACITY : 2.5
ELECTRIC_POWER : 30.0
CONSUMPTION_RATE : 0.00025
RECHARGING_RATE : 1.0
EDGE_WEIGHT_TYPE : EXPLICIT
NODE_SECTION
ID,type,lng,lat,delivery,pickup,first_receive_tm,last_receive_tm,service_time
0,d,116.1,39.9,0.0,0.0,0,960,0
7,c,116.2,39.9,0.015297748181828,0.008002251818172,60,150,30
9,f,116.3,39.9,0.0,0.0,0,960,0
DISTANCETIME_SECTION
ID,from_node,to_node,distance,spend_tm
0,0,7,10000,20
1,0,9,20000,30
2,7,0,11000,21
3,7,9,10000,15
4,9,0,21000,31
5,9,7,9000,14
DEPOT_SECTION
0
"""
FILES = {
    "cvrp": ("tiny.vrp", CVRP),
    "cvrp-large": ("tiny.vrp", CVRP),
    "vrptw-1000": ("R1_10_9.vrp", VRPTW),
    "mdvrptw": ("PR99.vrp", MDVRPTW),
    "sdvrptw": ("PR99.vrp", SDVRPTW),
    "hfvrp": ("X4-HVRP.vrp", HFVRP),
    "mtvrptw": ("C299R0.5.vrp", MTVRPTW),
    "pcvrptw": ("R1_10_9.vrp", PCVRPTW),
    "gvrp": ("M-n4.vrp", GVRP),
    "vrptw-100": ("R999.txt", SOLOMON),
    "evrptw": ("r999_21.txt", EVRPTW),
    "evrptwspd-jd": ("jd1_1.txt", JD),
}
