//! The device types of the plant: what they measure, how it moves, and where it is too much.

/// Where a metric raises its alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// Above it.
    High(f64),
    /// Below it.
    Low(f64),
    /// Never.
    None,
}

impl Limit {
    pub(crate) fn is_crossed_by(self, value: f64) -> bool {
        match self {
            Self::High(limit) => value > limit,
            Self::Low(limit) => value < limit,
            Self::None => false,
        }
    }

    pub(crate) fn threshold(self) -> Option<f64> {
        match self {
            Self::High(limit) | Self::Low(limit) => Some(limit),
            Self::None => None,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        if matches!(self, Self::Low(_)) { "Below" } else { "Above" }
    }
}

/// Root cause, what was done, what will keep it from happening again.
pub(crate) type Cause = (&'static str, &'static str, &'static str);

/// One metric of a device type. Amplitudes are in the metric's own unit.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// The middle of the healthy range, and how far devices differ from it.
    pub(crate) base: (f64, f64),
    /// Amplitudes of the daily shape, the slow wander and the noise.
    pub(crate) motion: [f64; 3],
    pub(crate) decimals: i32,
    pub(crate) limit: Limit,
    /// The alert's name and severity.
    pub(crate) alert: (&'static str, &'static str),
    /// Readings in a row beyond the limit before the alert is raised.
    pub(crate) hold: u32,
    pub(crate) causes: &'static [Cause],
}

/// How a type's readings come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// Each metric for itself.
    Independent,
    /// Counts first, ratios from them.
    ProductionLine,
}

/// One device type.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// `PUMP-017` is prefix `PUMP` and width 3.
    pub(crate) prefix: &'static str,
    pub(crate) width: usize,
    /// Devices of this type in a plant of 150.
    pub(crate) share: u32,
    pub(crate) interval_s: i64,
    pub(crate) model: Model,
    /// Manufacturer and model.
    pub(crate) makers: &'static [(&'static str, &'static str)],
    pub(crate) metrics: &'static [Metric],
}

macro_rules! metric {
    ($name:literal $unit:literal $base:literal +- $spread:literal moves [$daily:literal $wander:literal $noise:literal] .$decimals:literal
     $limit:expr, $alert:literal $severity:literal after $hold:literal, $causes:expr) => {
        Metric {
            name: $name,
            unit: $unit,
            base: ($base, $spread),
            motion: [$daily, $wander, $noise],
            decimals: $decimals,
            limit: $limit,
            alert: ($alert, $severity),
            hold: $hold,
            causes: $causes,
        }
    };
}

const BEARING: &[Cause] = &[
    (
        "Bearing wear",
        "Replaced drive-end bearing and realigned coupling",
        "Bearing added to quarterly vibration route",
    ),
    (
        "Insufficient lubrication",
        "Regreased both bearings, 30 g each",
        "Grease interval shortened to 6 weeks",
    ),
    (
        "Shaft misalignment",
        "Laser alignment, 0.04 mm residual",
        "Alignment check after each seal change",
    ),
];
const FLOW: &[Cause] = &[
    (
        "Blocked strainer",
        "Cleaned suction strainer",
        "Strainer differential pressure added to rounds",
    ),
    (
        "Valve not fully open",
        "Opened discharge valve, position switch readjusted",
        "Valve position added to start checklist",
    ),
];
const SENSOR: &[Cause] = &[
    (
        "Sensor drift due to age",
        "Replaced faulty temperature sensor",
        "Added to quarterly calibration schedule",
    ),
    (
        "Loose terminal",
        "Retightened terminal strip in junction box",
        "Terminals checked at the yearly inspection",
    ),
    ("Door left open", "Closed loading door", "Door alarm set to 5 minutes"),
];
const AIR: &[Cause] = &[
    (
        "Leak at dryer drain",
        "Replaced automatic drain of dryer",
        "Leak survey each half year",
    ),
    (
        "Intake filter clogged",
        "Changed intake filter",
        "Filter change by differential pressure",
    ),
    (
        "Unloader valve sticking",
        "Cleaned and reset unloader valve",
        "Valve kit on the yearly service",
    ),
];
const MECHANICAL: &[Cause] = &[
    (
        "Imbalance by product build-up",
        "Cleaned rotor, rebalanced",
        "Cleaning added to weekly stop",
    ),
    ("Loose foundation bolt", "Retorqued foundation bolts", "Torque check at 3 months"),
    ("Belt slip", "Tensioned drive belt", "Belt tension in monthly rounds"),
];
const THERMAL: &[Cause] = &[
    (
        "Fouled heat exchanger",
        "Cleaned heat exchanger",
        "Water treatment dose checked weekly",
    ),
    (
        "Fan motor tripped",
        "Reset motor protection, replaced contactor",
        "Contactor on spare-part list",
    ),
    (
        "Control valve stuck",
        "Freed and stroked control valve",
        "Valve stroke test each quarter",
    ),
];
const ELECTRICAL: &[Cause] = &[
    (
        "Capacitor bank stage failed",
        "Replaced capacitor stage 3",
        "Thermal image of the bank each year",
    ),
    (
        "Large drive started during peak",
        "Start sequence moved by 10 minutes",
        "Peak lock in the energy controller",
    ),
];
const QUALITY: &[Cause] = &[
    ("Tool wear", "Changed tool set", "Tool life counter set to 40,000 strokes"),
    (
        "Material lot out of tolerance",
        "Lot blocked, changed to next lot",
        "Incoming check of wall thickness",
    ),
    (
        "Sealing temperature unstable",
        "Replaced thermocouple of sealing bar",
        "Thermocouple added to calibration plan",
    ),
];

/// All device types, in the order in which a list over all of them goes.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "TemperatureSensor",
        prefix: "TEMP",
        width: 3,
        share: 42,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Endress+Hauser", "iTHERM TM411"), ("WIKA", "TR10-C"), ("Honeywell", "STT850")],
        metrics: &[
            metric!("temperature" "°C" 22.0 +- 1.5 moves [2.5 1.0 0.25] .1 Limit::High(32.0), "Temperature high" "medium" after 3, SENSOR),
            metric!("humidity" "%" 45.0 +- 5.0 moves [4.0 4.0 0.8] .1 Limit::High(75.0), "Humidity high" "low" after 3, SENSOR),
            metric!("battery" "V" 3.58 +- 0.04 moves [0.0 0.02 0.005] .2 Limit::Low(3.3), "Battery low" "low" after 5, SENSOR),
        ],
    },
    Kind {
        name: "PumpStation",
        prefix: "PUMP",
        width: 3,
        share: 20,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Grundfos", "NK 80-200"), ("KSB", "Etanorm 100"), ("Sulzer", "AHLSTAR A22")],
        metrics: &[
            metric!("bearing_temp" "°C" 66.0 +- 4.0 moves [2.5 2.0 0.5] .1 Limit::High(90.0), "Bearing temperature high" "critical" after 5, BEARING),
            metric!("vibration" "mm/s" 2.6 +- 0.4 moves [0.15 0.35 0.12] .2 Limit::High(7.1), "Vibration high" "high" after 3, BEARING),
            metric!("current" "A" 41.0 +- 3.0 moves [2.0 1.5 0.5] .1 Limit::High(58.0), "Motor current high" "high" after 3, MECHANICAL),
            metric!("flow" "m³/h" 118.0 +- 6.0 moves [7.0 3.0 1.2] .1 Limit::Low(80.0), "Flow low" "medium" after 3, FLOW),
            metric!("discharge_pressure" "bar" 6.2 +- 0.2 moves [0.2 0.15 0.05] .2 Limit::Low(4.8), "Pump pressure low" "high" after 3, FLOW),
        ],
    },
    Kind {
        name: "Compressor",
        prefix: "COMP",
        width: 3,
        share: 8,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Atlas Copco", "GA 90 VSD+"), ("Kaeser", "CSD 105")],
        metrics: &[
            metric!("discharge_pressure" "bar" 7.4 +- 0.1 moves [0.15 0.1 0.04] .2 Limit::Low(6.2), "Discharge pressure low" "high" after 2, AIR),
            metric!("oil_temp" "°C" 78.0 +- 3.0 moves [3.0 2.0 0.5] .1 Limit::High(105.0), "Oil temperature high" "critical" after 3, THERMAL),
            metric!("motor_current" "A" 152.0 +- 6.0 moves [9.0 5.0 1.5] .1 Limit::High(195.0), "Motor current high" "medium" after 3, MECHANICAL),
            metric!("load" "%" 68.0 +- 6.0 moves [10.0 5.0 1.5] .1 Limit::None, "" "" after 1, &[]),
        ],
    },
    Kind {
        name: "ProductionLine",
        prefix: "LINE",
        width: 1,
        share: 6,
        interval_s: 300,
        model: Model::ProductionLine,
        makers: &[("Krones", "Contiform 3"), ("Bosch Packaging", "PHS 4000")],
        metrics: &[
            metric!("output_count" "pcs" 0.0 +- 0.0 moves [0.0 0.0 0.0] .0 Limit::None, "" "" after 1, &[]),
            metric!("good_count" "pcs" 0.0 +- 0.0 moves [0.0 0.0 0.0] .0 Limit::None, "" "" after 1, &[]),
            metric!("scrap_count" "pcs" 0.0 +- 0.0 moves [0.0 0.0 0.0] .0 Limit::None, "" "" after 1, &[]),
            metric!("runtime_minutes" "min" 0.0 +- 0.0 moves [0.0 0.0 0.0] .1 Limit::None, "" "" after 1, &[]),
            metric!("oee" "%" 84.0 +- 0.0 moves [0.0 0.0 0.0] .1 Limit::Low(60.0), "OEE low" "high" after 2, MECHANICAL),
            metric!("energy_per_unit" "kWh" 0.62 +- 0.0 moves [0.0 0.0 0.0] .3 Limit::High(0.9), "Energy per unit high" "low" after 2, ELECTRICAL),
            metric!("scrap_rate" "%" 1.8 +- 0.0 moves [0.0 0.0 0.0] .2 Limit::High(4.0), "Scrap rate high" "medium" after 1, QUALITY),
        ],
    },
    Kind {
        name: "CoolingTower",
        prefix: "CT",
        width: 2,
        share: 6,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Baltimore Aircoil", "S3000"), ("EVAPCO", "AT 19-3")],
        metrics: &[
            metric!("basin_temp" "°C" 24.0 +- 1.0 moves [2.0 1.0 0.25] .1 Limit::High(32.0), "Basin temperature high" "high" after 3, THERMAL),
            metric!("fan_speed" "rpm" 310.0 +- 12.0 moves [25.0 12.0 4.0] .0 Limit::Low(180.0), "Fan speed low" "medium" after 2, THERMAL),
            metric!("conductivity" "µS/cm" 1450.0 +- 90.0 moves [30.0 120.0 12.0] .0 Limit::High(2200.0), "Conductivity high" "low" after 5, THERMAL),
        ],
    },
    Kind {
        name: "Boiler",
        prefix: "BOIL",
        width: 2,
        share: 5,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Viessmann", "Vitomax HS"), ("Bosch", "UL-S 8000")],
        metrics: &[
            metric!("steam_pressure" "bar" 10.2 +- 0.2 moves [0.3 0.2 0.06] .2 Limit::High(12.5), "Steam pressure high" "critical" after 2, THERMAL),
            metric!("flue_gas_temp" "°C" 182.0 +- 6.0 moves [6.0 5.0 1.2] .1 Limit::High(235.0), "Flue gas temperature high" "medium" after 3, THERMAL),
            metric!("water_level" "%" 61.0 +- 2.0 moves [1.5 2.0 0.6] .1 Limit::Low(40.0), "Water level low" "critical" after 2, FLOW),
        ],
    },
    Kind {
        name: "Conveyor",
        prefix: "CONV",
        width: 2,
        share: 12,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Interroll", "MCP PLAY"), ("Dematic", "MCS 2"), ("Siemens", "SIMOGEAR K79")],
        metrics: &[
            metric!("belt_speed" "m/s" 1.2 +- 0.03 moves [0.02 0.03 0.01] .2 Limit::Low(0.8), "Belt speed low" "medium" after 2, MECHANICAL),
            metric!("motor_temp" "°C" 52.0 +- 3.0 moves [3.0 2.0 0.5] .1 Limit::High(80.0), "Motor temperature high" "high" after 3, MECHANICAL),
            metric!("torque" "Nm" 84.0 +- 5.0 moves [5.0 4.0 1.0] .1 Limit::High(125.0), "Torque high" "medium" after 2, MECHANICAL),
        ],
    },
    Kind {
        name: "VibrationSensor",
        prefix: "VIB",
        width: 3,
        share: 16,
        interval_s: 10,
        model: Model::Independent,
        makers: &[("SKF", "CMSS 2200"), ("ifm", "VVB001"), ("Bently Nevada", "330525")],
        metrics: &[
            metric!("velocity_rms" "mm/s" 2.1 +- 0.3 moves [0.1 0.25 0.1] .2 Limit::High(4.5), "Vibration velocity high" "high" after 3, MECHANICAL),
            metric!("acceleration_peak" "g" 1.3 +- 0.2 moves [0.05 0.15 0.06] .2 Limit::High(3.5), "Acceleration peak high" "medium" after 3, BEARING),
            metric!("surface_temp" "°C" 44.0 +- 3.0 moves [2.5 1.5 0.3] .1 Limit::High(70.0), "Surface temperature high" "low" after 6, BEARING),
        ],
    },
    Kind {
        name: "HVACUnit",
        prefix: "HVAC",
        width: 2,
        share: 12,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Trane", "CLCH 25"), ("Daikin", "D-AHU Modular P"), ("Carrier", "39HXC")],
        metrics: &[
            metric!("supply_temp" "°C" 17.5 +- 0.6 moves [0.8 0.6 0.2] .1 Limit::High(24.0), "Supply temperature high" "medium" after 3, THERMAL),
            metric!("filter_dp" "Pa" 135.0 +- 18.0 moves [6.0 12.0 2.5] .0 Limit::High(250.0), "Filter clogged" "low" after 5, AIR),
            metric!("co2" "ppm" 560.0 +- 40.0 moves [120.0 50.0 12.0] .0 Limit::High(1100.0), "CO2 high" "medium" after 3, AIR),
        ],
    },
    Kind {
        name: "PowerMeter",
        prefix: "MTR",
        width: 3,
        share: 14,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Schneider Electric", "PM5560"), ("Siemens", "PAC4200"), ("Janitza", "UMG 604")],
        metrics: &[
            metric!("active_power" "kW" 182.0 +- 20.0 moves [38.0 14.0 4.0] .1 Limit::High(290.0), "Peak load" "medium" after 3, ELECTRICAL),
            metric!("power_factor" "" 0.95 +- 0.008 moves [0.006 0.006 0.003] .3 Limit::Low(0.88), "Power factor low" "low" after 5, ELECTRICAL),
            metric!("voltage" "V" 400.0 +- 1.5 moves [1.5 1.5 0.6] .1 Limit::Low(370.0), "Undervoltage" "high" after 1, ELECTRICAL),
        ],
    },
    Kind {
        name: "FlowMeter",
        prefix: "FLOW",
        width: 3,
        share: 9,
        interval_s: 60,
        model: Model::Independent,
        makers: &[("Krohne", "OPTIFLUX 2300"), ("Emerson", "Micro Motion F100")],
        metrics: &[
            metric!("flow_rate" "m³/h" 42.0 +- 3.0 moves [4.0 2.0 0.6] .2 Limit::Low(24.0), "Flow rate low" "medium" after 3, FLOW),
            metric!("line_pressure" "bar" 4.1 +- 0.1 moves [0.1 0.1 0.04] .2 Limit::Low(3.0), "Line pressure low" "high" after 2, FLOW),
        ],
    },
];
