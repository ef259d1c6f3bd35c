-- Times are microseconds since 1970-01-01T00:00:00Z. Frozen: a change of the layout is the next file.

CREATE TABLE applied (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    journal_next   INTEGER NOT NULL,
    registry       TEXT,
    alerts_next    INTEGER NOT NULL,
    messages       INTEGER NOT NULL,
    parts          INTEGER NOT NULL,
    lost           INTEGER NOT NULL
) STRICT;
INSERT INTO applied VALUES (1, 0, NULL, 0, 0, 0, 0);

CREATE TABLE vehicles (
    device               TEXT NOT NULL,
    observed_at          INTEGER NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          INTEGER NOT NULL,
    journal_offset       INTEGER NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           INTEGER,
    untimed_sum          INTEGER,
    history              TEXT,
    latitude             REAL,
    longitude            REAL,
    speed                REAL,
    heading              REAL,
    fix_valid            INTEGER,
    sound_level          REAL,
    sound_level_max      REAL,
    background_level     REAL,
    gross_mass           REAL,
    water_flow           REAL,
    pump_pressure        REAL,
    chime                INTEGER,
    spraying             INTEGER,
    sweeping             INTEGER,
    cover_closed         INTEGER,
    cover_half           INTEGER,
    loaded               INTEGER,
    hoist_raised         INTEGER,
    leaking              INTEGER,
    lid_open             INTEGER,
    acc                  INTEGER,
    antenna_ok           INTEGER,
    power_ok             INTEGER,
    video_online         INTEGER,
    PRIMARY KEY (device, observed_at, flag)
) STRICT, WITHOUT ROWID;

CREATE TABLE sites (
    device               TEXT NOT NULL,
    observed_at          INTEGER NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          INTEGER NOT NULL,
    journal_offset       INTEGER NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           INTEGER,
    untimed_sum          INTEGER,
    history              TEXT,
    pm10                 REAL,
    pm25                 REAL,
    tsp                  REAL,
    sound_level          REAL,
    sound_level_max      REAL,
    background_level     REAL,
    temperature          REAL,
    humidity             REAL,
    wind_speed           REAL,
    wind_direction       REAL,
    pressure             REAL,
    rainfall             REAL,
    water_flow           REAL,
    pump_pressure        REAL,
    nozzles              TEXT,
    spraying             INTEGER,
    fog_cannon           INTEGER,
    earthwork            INTEGER,
    muck_covered         INTEGER,
    power_ok             INTEGER,
    video_online         INTEGER,
    PRIMARY KEY (device, observed_at, flag)
) STRICT, WITHOUT ROWID;

CREATE TABLE kitchens (
    device               TEXT NOT NULL,
    observed_at          INTEGER NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          INTEGER NOT NULL,
    journal_offset       INTEGER NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           INTEGER,
    untimed_sum          INTEGER,
    history              TEXT,
    fume                 REAL,
    nmhc                 REAL,
    purifier_current     REAL,
    temperature          REAL,
    humidity             REAL,
    fan_running          INTEGER,
    purifier_running     INTEGER,
    power_ok             INTEGER,
    PRIMARY KEY (device, observed_at, flag)
) STRICT, WITHOUT ROWID;

CREATE TABLE others (
    device               TEXT NOT NULL,
    observed_at          INTEGER NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          INTEGER NOT NULL,
    journal_offset       INTEGER NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           INTEGER,
    untimed_sum          INTEGER,
    history              TEXT,
    sound_level          REAL,
    water_flow           REAL,
    dissolved_oxygen     REAL,
    permanganate_index   REAL,
    ammonia_nitrogen     REAL,
    total_phosphorus     REAL,
    cod                  REAL,
    bod5                 REAL,
    ph                   REAL,
    bikes_total          REAL,
    bikes_serviceable    REAL,
    PRIMARY KEY (device, observed_at, flag)
) STRICT, WITHOUT ROWID;

CREATE TABLE quantities (
    device               TEXT NOT NULL,
    observed_at          INTEGER NOT NULL,
    flag                 TEXT NOT NULL,
    quantity             TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          INTEGER NOT NULL,
    journal_offset       INTEGER NOT NULL,
    part                 INTEGER NOT NULL,
    history              TEXT,
    number               REAL,
    text                 TEXT,
    PRIMARY KEY (device, observed_at, flag, quantity)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    device               TEXT NOT NULL,
    observed_at          INTEGER NOT NULL,
    flag                 TEXT NOT NULL,
    name                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          INTEGER NOT NULL,
    journal_offset       INTEGER NOT NULL,
    part                 INTEGER NOT NULL,
    history              TEXT,
    fields               TEXT,
    PRIMARY KEY (device, observed_at, flag, name, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    id             TEXT PRIMARY KEY,
    kind           TEXT NOT NULL,
    rule           TEXT NOT NULL,
    asset          TEXT NOT NULL,
    asset_kind     TEXT NOT NULL,
    grid           TEXT,
    clause         INTEGER,
    severity       TEXT NOT NULL,
    state          TEXT NOT NULL,
    condition      TEXT NOT NULL,
    lead           INTEGER NOT NULL,
    trial          INTEGER NOT NULL,
    reconstructed  INTEGER NOT NULL,
    began_at       INTEGER NOT NULL,
    opened_at      INTEGER NOT NULL,
    cleared_at     INTEGER,
    alert          TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_opened ON alerts (opened_at);
CREATE INDEX alerts_by_asset ON alerts (asset, opened_at);

CREATE TABLE alert_events (
    entry          INTEGER NOT NULL,
    place          INTEGER NOT NULL,
    alert          TEXT NOT NULL,
    sequence       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    event          TEXT NOT NULL,
    who            TEXT NOT NULL,
    why            TEXT,
    PRIMARY KEY (entry, place)
) STRICT;
CREATE INDEX alert_events_by_alert ON alert_events (alert, entry, place);

CREATE VIEW readings AS
SELECT device, 'latitude' AS quantity, observed_at, latitude AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE latitude IS NOT NULL
UNION ALL SELECT device, 'longitude' AS quantity, observed_at, longitude AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE longitude IS NOT NULL
UNION ALL SELECT device, 'speed' AS quantity, observed_at, speed AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE speed IS NOT NULL
UNION ALL SELECT device, 'heading' AS quantity, observed_at, heading AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE heading IS NOT NULL
UNION ALL SELECT device, 'fix_valid' AS quantity, observed_at, CAST(fix_valid AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE fix_valid IS NOT NULL
UNION ALL SELECT device, 'sound_level' AS quantity, observed_at, sound_level AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE sound_level IS NOT NULL
UNION ALL SELECT device, 'sound_level_max' AS quantity, observed_at, sound_level_max AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE sound_level_max IS NOT NULL
UNION ALL SELECT device, 'background_level' AS quantity, observed_at, background_level AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE background_level IS NOT NULL
UNION ALL SELECT device, 'gross_mass' AS quantity, observed_at, gross_mass AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE gross_mass IS NOT NULL
UNION ALL SELECT device, 'water_flow' AS quantity, observed_at, water_flow AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE water_flow IS NOT NULL
UNION ALL SELECT device, 'pump_pressure' AS quantity, observed_at, pump_pressure AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE pump_pressure IS NOT NULL
UNION ALL SELECT device, 'chime' AS quantity, observed_at, CAST(chime AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE chime IS NOT NULL
UNION ALL SELECT device, 'spraying' AS quantity, observed_at, CAST(spraying AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE spraying IS NOT NULL
UNION ALL SELECT device, 'sweeping' AS quantity, observed_at, CAST(sweeping AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE sweeping IS NOT NULL
UNION ALL SELECT device, 'cover_closed' AS quantity, observed_at, CAST(cover_closed AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE cover_closed IS NOT NULL
UNION ALL SELECT device, 'cover_half' AS quantity, observed_at, CAST(cover_half AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE cover_half IS NOT NULL
UNION ALL SELECT device, 'loaded' AS quantity, observed_at, CAST(loaded AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE loaded IS NOT NULL
UNION ALL SELECT device, 'hoist_raised' AS quantity, observed_at, CAST(hoist_raised AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE hoist_raised IS NOT NULL
UNION ALL SELECT device, 'leaking' AS quantity, observed_at, CAST(leaking AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE leaking IS NOT NULL
UNION ALL SELECT device, 'lid_open' AS quantity, observed_at, CAST(lid_open AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE lid_open IS NOT NULL
UNION ALL SELECT device, 'acc' AS quantity, observed_at, CAST(acc AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE acc IS NOT NULL
UNION ALL SELECT device, 'antenna_ok' AS quantity, observed_at, CAST(antenna_ok AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE antenna_ok IS NOT NULL
UNION ALL SELECT device, 'power_ok' AS quantity, observed_at, CAST(power_ok AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE power_ok IS NOT NULL
UNION ALL SELECT device, 'video_online' AS quantity, observed_at, CAST(video_online AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE video_online IS NOT NULL
UNION ALL SELECT device, 'pm10' AS quantity, observed_at, pm10 AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pm10 IS NOT NULL
UNION ALL SELECT device, 'pm25' AS quantity, observed_at, pm25 AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pm25 IS NOT NULL
UNION ALL SELECT device, 'tsp' AS quantity, observed_at, tsp AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE tsp IS NOT NULL
UNION ALL SELECT device, 'sound_level' AS quantity, observed_at, sound_level AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE sound_level IS NOT NULL
UNION ALL SELECT device, 'sound_level_max' AS quantity, observed_at, sound_level_max AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE sound_level_max IS NOT NULL
UNION ALL SELECT device, 'background_level' AS quantity, observed_at, background_level AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE background_level IS NOT NULL
UNION ALL SELECT device, 'temperature' AS quantity, observed_at, temperature AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE temperature IS NOT NULL
UNION ALL SELECT device, 'humidity' AS quantity, observed_at, humidity AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE humidity IS NOT NULL
UNION ALL SELECT device, 'wind_speed' AS quantity, observed_at, wind_speed AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE wind_speed IS NOT NULL
UNION ALL SELECT device, 'wind_direction' AS quantity, observed_at, wind_direction AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE wind_direction IS NOT NULL
UNION ALL SELECT device, 'pressure' AS quantity, observed_at, pressure AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pressure IS NOT NULL
UNION ALL SELECT device, 'rainfall' AS quantity, observed_at, rainfall AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE rainfall IS NOT NULL
UNION ALL SELECT device, 'water_flow' AS quantity, observed_at, water_flow AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE water_flow IS NOT NULL
UNION ALL SELECT device, 'pump_pressure' AS quantity, observed_at, pump_pressure AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pump_pressure IS NOT NULL
UNION ALL SELECT device, 'nozzles' AS quantity, observed_at, NULL AS value, nozzles AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE nozzles IS NOT NULL
UNION ALL SELECT device, 'spraying' AS quantity, observed_at, CAST(spraying AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE spraying IS NOT NULL
UNION ALL SELECT device, 'fog_cannon' AS quantity, observed_at, CAST(fog_cannon AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE fog_cannon IS NOT NULL
UNION ALL SELECT device, 'earthwork' AS quantity, observed_at, CAST(earthwork AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE earthwork IS NOT NULL
UNION ALL SELECT device, 'muck_covered' AS quantity, observed_at, CAST(muck_covered AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE muck_covered IS NOT NULL
UNION ALL SELECT device, 'power_ok' AS quantity, observed_at, CAST(power_ok AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE power_ok IS NOT NULL
UNION ALL SELECT device, 'video_online' AS quantity, observed_at, CAST(video_online AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE video_online IS NOT NULL
UNION ALL SELECT device, 'fume' AS quantity, observed_at, fume AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE fume IS NOT NULL
UNION ALL SELECT device, 'nmhc' AS quantity, observed_at, nmhc AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE nmhc IS NOT NULL
UNION ALL SELECT device, 'purifier_current' AS quantity, observed_at, purifier_current AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE purifier_current IS NOT NULL
UNION ALL SELECT device, 'temperature' AS quantity, observed_at, temperature AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE temperature IS NOT NULL
UNION ALL SELECT device, 'humidity' AS quantity, observed_at, humidity AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE humidity IS NOT NULL
UNION ALL SELECT device, 'fan_running' AS quantity, observed_at, CAST(fan_running AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE fan_running IS NOT NULL
UNION ALL SELECT device, 'purifier_running' AS quantity, observed_at, CAST(purifier_running AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE purifier_running IS NOT NULL
UNION ALL SELECT device, 'power_ok' AS quantity, observed_at, CAST(power_ok AS REAL) AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE power_ok IS NOT NULL
UNION ALL SELECT device, 'sound_level' AS quantity, observed_at, sound_level AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE sound_level IS NOT NULL
UNION ALL SELECT device, 'water_flow' AS quantity, observed_at, water_flow AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE water_flow IS NOT NULL
UNION ALL SELECT device, 'dissolved_oxygen' AS quantity, observed_at, dissolved_oxygen AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE dissolved_oxygen IS NOT NULL
UNION ALL SELECT device, 'permanganate_index' AS quantity, observed_at, permanganate_index AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE permanganate_index IS NOT NULL
UNION ALL SELECT device, 'ammonia_nitrogen' AS quantity, observed_at, ammonia_nitrogen AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE ammonia_nitrogen IS NOT NULL
UNION ALL SELECT device, 'total_phosphorus' AS quantity, observed_at, total_phosphorus AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE total_phosphorus IS NOT NULL
UNION ALL SELECT device, 'cod' AS quantity, observed_at, cod AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE cod IS NOT NULL
UNION ALL SELECT device, 'bod5' AS quantity, observed_at, bod5 AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE bod5 IS NOT NULL
UNION ALL SELECT device, 'ph' AS quantity, observed_at, ph AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE ph IS NOT NULL
UNION ALL SELECT device, 'bikes_total' AS quantity, observed_at, bikes_total AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE bikes_total IS NOT NULL
UNION ALL SELECT device, 'bikes_serviceable' AS quantity, observed_at, bikes_serviceable AS value, NULL AS text, flag, asset, received_at, journal_offset, part FROM others WHERE bikes_serviceable IS NOT NULL
UNION ALL SELECT device, quantity, observed_at, number AS value, text, flag, asset, received_at, journal_offset, part FROM quantities;
