"""The tables that a scenario may name, and the traces that are compared with it, column by column."""

from typing import Final, get_args

from lastmile.scenario import HostKind, ParcelSize, VehicleClass
from lastmile.tables.cells import Column
from lastmile.tables.reader import TableSchema

_ID_NAMES: Final = ("编号", "代码", "序号")
_NAMES: Final = ("名称", "名字", "name_zh")
_DISTRICTS: Final = ("区", "区县", "所属区", "行政区", "area_name")

_AREA_KINDS: Final = {
    "community": "community", "社区": "community", "小区": "community",
    "village": "village", "村": "village", "行政村": "village",
    "township": "township", "乡镇": "township", "乡": "township", "镇": "township",
    "campus": "campus", "校园": "campus", "高校": "campus",
}  # fmt: skip
_CHANNELS: Final = {
    "door": "door", "上门": "door", "送货上门": "door",
    "locker": "locker", "快递柜": "locker", "智能快件箱": "locker", "柜": "locker",
    "station": "station", "驿站": "station", "服务站": "station", "代收点": "station",
}  # fmt: skip

DISTRICTS: Final = TableSchema(
    name="districts",
    geometry="any",
    columns=(
        Column(name="name", kind="text", required=True, aliases=(*_NAMES, "district", *_DISTRICTS)),
        Column(name="population", kind="number", minimum=0, aliases=("人口", "常住人口"), unit="persons"),
        Column(
            name="kind",
            kind="choice",
            default="urban",
            choices={"urban": "urban", "city": "urban", "county": "county", "rural": "county", "市区": "urban",
                     "城区": "urban", "县": "county", "县城": "county", "农村": "county"},
            aliases=("类型", "性质"),
        ),
    ),
)  # fmt: skip

AREAS: Final = TableSchema(
    name="areas",
    geometry="any",
    columns=(
        Column(name="id", kind="text", required=True, aliases=_ID_NAMES),
        Column(name="name", kind="text", default="", aliases=_NAMES),
        Column(name="district", kind="text", default="", aliases=_DISTRICTS),
        Column(name="kind", kind="choice", required=True, choices=_AREA_KINDS, aliases=("类型", "类别")),
    ),
)

POPULATION: Final = TableSchema(
    name="population",
    geometry="point",
    columns=(
        Column(
            name="population",
            kind="number",
            required=True,
            minimum=0,
            aliases=("人口", "常住人口", "count", "weight", "pop", "value"),
            unit="persons",
            about="Persons, or relative weights where districts state the totals.",
        ),
    ),
)

ZONES: Final = TableSchema(
    name="zones",
    geometry="polygon",
    columns=(
        Column(name="zone_id", kind="text", required=True, aliases=("id", "区域编号", "编号")),
        Column(name="name", kind="text", default="", aliases=_NAMES),
    ),
)

FORBIDDEN: Final = TableSchema(
    name="forbidden",
    geometry="polygon",
    columns=(Column(name="reason", kind="text", default="forbidden land", aliases=("原因", "理由", "name", "名称")),),
)

CANDIDATES: Final = TableSchema(
    name="candidates",
    geometry="point",
    columns=(
        Column(name="id", kind="text", required=True, aliases=_ID_NAMES),
        Column(name="name", kind="text", default="", aliases=_NAMES),
        Column(
            name="host",
            kind="choice",
            default="table",
            choices={host: host for host in get_args(HostKind)},
            aliases=("宿主", "类型", "场所"),
        ),
        Column(name="facilities", kind="list", aliases=("设施", "可建设施"), about="Facility ids; all where empty."),
        Column(
            name="status",
            kind="choice",
            default="candidate",
            choices={"candidate": "candidate", "existing": "existing", "forbidden": "forbidden", "候选": "candidate",
                     "已有": "existing", "现有": "existing", "已建": "existing", "禁止": "forbidden"},
            aliases=("状态",),
        ),
        Column(name="modules", kind="integer", minimum=1, default=1, aliases=("组数", "模块数")),
        Column(
            name="chilled_modules",
            kind="integer",
            minimum=0,
            maximum=10_000,
            default=0,
            aliases=("冷藏组数", "冷藏模块数"),
            about="Refrigerated modules of an existing site, beside its others.",
        ),
        Column(name="district", kind="text", default="", aliases=_DISTRICTS),
    ),
)  # fmt: skip

CHARGERS: Final = TableSchema(
    name="chargers",
    geometry="point",
    columns=(
        Column(name="id", kind="text", required=True, aliases=_ID_NAMES),
        Column(name="name", kind="text", default="", aliases=_NAMES),
        Column(name="power_kw", kind="number", minimum=0, default=7.0, aliases=("功率",), unit="kW"),
        Column(
            name="slots",
            kind="integer",
            minimum=1,
            default=1,
            aliases=("桩数", "数量"),
            about="Not limited yet: where a plan has more vehicles there at once, a warning says so.",
        ),
        Column(
            name="vehicles",
            kind="list",
            choices={kind: kind for kind in get_args(VehicleClass)},
            aliases=("vehicle_class", "车型"),
            about="Classes that may charge there; all where empty.",
        ),
        Column(
            name="yuan_per_kwh",
            kind="number",
            minimum=0,
            aliases=("price", "电价"),
            unit="yuan",
            about="What it asks; the vehicle's own yuan_per_kwh where empty. Counted, but no reason to choose it.",
        ),
    ),
)

ORDERS: Final = TableSchema(
    name="orders",
    geometry="point",
    columns=(
        Column(name="id", kind="text", required=True, aliases=("order_id", "订单号", "运单号", "单号", *_ID_NAMES)),
        Column(name="name", kind="text", default="", aliases=(*_NAMES, "customer", "收件人", "address", "地址")),
        Column(name="parcels", kind="integer", minimum=0, default=1, aliases=("件数", "包裹数", "数量")),
        Column(name="pickups", kind="integer", minimum=0, default=0, aliases=("揽件数", "取件数")),
        Column(name="weight", kind="number", minimum=0, aliases=("weight_kg", "重量"), unit="kg"),
        Column(name="volume", kind="number", minimum=0, aliases=("volume_l", "体积"), unit="L"),
        Column(
            name="window_start", kind="time", aliases=("earliest", "tw_start", "最早时间", "时间窗开始", "开始时间")
        ),
        Column(name="window_end", kind="time", aliases=("latest", "tw_end", "最晚时间", "时间窗结束", "结束时间")),
        Column(name="service", kind="number", minimum=0, aliases=("service_s", "service_time", "服务时间"), unit="s"),
        Column(
            name="options",
            kind="list",
            choices=_CHANNELS,
            aliases=("channels", "交付方式", "配送方式"),
            about="Channels the receiver has agreed to, best first; door where empty.",
        ),
        Column(name="release", kind="time", aliases=("ready", "到仓时间"), about="When the parcels are at the depot."),
        Column(
            name="size",
            kind="choice",
            choices={size: size for size in get_args(ParcelSize)},
            aliases=("规格", "尺寸"),
            about="Compartment that each of the order's parcels needs, or a larger one; the smallest where empty.",
        ),
        Column(
            name="skill",
            kind="text",
            default="",
            aliases=("技能", "要求"),
            about="What its vehicles must be able to do; with `cold` it is chilled, and a site then takes it in a "
            "refrigerated module.",
        ),
        Column(
            name="firm",
            kind="text",
            default="",
            aliases=("company", "carrier", "快递公司", "快递企业", "承运商"),
            about="Who delivers it today; for `lastmile joint`, which needs it of every order.",
        ),
        Column(
            name="on_board",
            kind="number",
            minimum=0,
            aliases=("on_board_min", "max_on_board", "最长在途"),
            unit="min",
            about="Longest time between leaving the base and delivery.",
        ),
        Column(name="price", kind="number", minimum=0, aliases=("price_yuan", "弃单费用"), unit="yuan",
               about="What leaving the order out costs; it must be served where empty."),
    ),
)  # fmt: skip

MEASURED: Final = TableSchema(
    name="measured speeds",
    columns=(
        Column(name="way_id", kind="integer", minimum=1, aliases=("way", "osm_id"), about="A way of the map."),
        Column(
            name="direction",
            kind="choice",
            default="both",
            choices={"both": "both", "forward": "forward", "backward": "backward", "双向": "both", "正向": "forward",
                     "反向": "backward"},
            aliases=("方向",),
            about="Along the way as it was drawn, against it, or both.",
        ),
        Column(name="edge_id", kind="integer", minimum=0, aliases=("edge",),
               about="Instead of a way: an edge of the network whose hash stands in `network`."),
        Column(name="network", kind="text", default="", about="See edge_id; `lastmile network info` shows it."),
        Column(
            name="period",
            kind="choice",
            default="all",
            choices={"all": "all", "free": "free", "peak": "peak", "night": "night", "全天": "all", "平峰": "free",
                     "高峰": "peak", "夜间": "night"},
            aliases=("时段",),
            about="The hours of the scenario's speeds.peak and speeds.night, or the others.",
        ),
        Column(name="kmh", kind="number", required=True, minimum=0.1, aliases=("speed", "速度", "车速"), unit="km/h",
               about="Moving speed, without stops."),
        Column(
            name="vehicle_class",
            kind="choice",
            default="",
            choices={name: name for name in get_args(VehicleClass)},
            aliases=("车型",),
            about="Who was measured; cars where empty, from whose speeds the other classes' follow.",
        ),
    ),
)  # fmt: skip

TRACES: Final = TableSchema(
    name="traces",
    geometry="point",
    columns=(
        Column(
            name="vehicle_id",
            kind="text",
            required=True,
            aliases=("vehicle", "device_id", "plate", "车辆", "车辆编号", "车辆id", "车号", "车牌", "车牌号", "终端号"),
            about="As in the plan, where one is compared.",
        ),
        Column(
            name="time",
            kind="text",
            required=True,
            aliases=("timestamp", "datetime", "gps_time", "时间", "定位时间", "采集时间", "gps时间"),
            about="Local date and time by ISO 8601, or HH:MM:SS or seconds after midnight of the planned day.",
        ),
        Column(
            name="accuracy",
            kind="number",
            minimum=0,
            aliases=("accuracy_m", "精度", "定位精度"),
            unit="m",
            about="Radius in which two fixes of three lie, as the receiver says; 0 or empty where it does not.",
        ),
        Column(
            name="vehicle_type",
            kind="text",
            default="",
            aliases=("车型", "车辆类型"),
            about="Id of a vehicle type of the scenario.",
        ),
    ),
)

TABLES: Final = (DISTRICTS, AREAS, POPULATION, ZONES, FORBIDDEN, CANDIDATES, CHARGERS, ORDERS, MEASURED, TRACES)
