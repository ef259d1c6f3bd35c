-- Times are UTC. Frozen: a change of the layout is the next file.

CREATE TABLE applied (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    journal_next   BIGINT NOT NULL,
    registry       TEXT,
    alerts_next    BIGINT NOT NULL,
    messages       BIGINT NOT NULL,
    parts          BIGINT NOT NULL,
    lost           BIGINT NOT NULL
);
INSERT INTO applied VALUES (1, 0, NULL, 0, 0, 0, 0);

CREATE TABLE vehicles (
    device               TEXT NOT NULL,
    observed_at          TIMESTAMPTZ NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          TIMESTAMPTZ NOT NULL,
    journal_offset       BIGINT NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           TIMESTAMPTZ,
    untimed_sum          BIGINT,
    history              JSONB,
    latitude             DOUBLE PRECISION,
    longitude            DOUBLE PRECISION,
    speed                DOUBLE PRECISION,
    heading              DOUBLE PRECISION,
    fix_valid            BOOLEAN,
    sound_level          DOUBLE PRECISION,
    sound_level_max      DOUBLE PRECISION,
    background_level     DOUBLE PRECISION,
    gross_mass           DOUBLE PRECISION,
    water_flow           DOUBLE PRECISION,
    pump_pressure        DOUBLE PRECISION,
    chime                BOOLEAN,
    spraying             BOOLEAN,
    sweeping             BOOLEAN,
    cover_closed         BOOLEAN,
    cover_half           BOOLEAN,
    loaded               BOOLEAN,
    hoist_raised         BOOLEAN,
    leaking              BOOLEAN,
    lid_open             BOOLEAN,
    acc                  BOOLEAN,
    antenna_ok           BOOLEAN,
    power_ok             BOOLEAN,
    video_online         BOOLEAN,
    UNIQUE (device, observed_at, flag)
);

CREATE TABLE sites (
    device               TEXT NOT NULL,
    observed_at          TIMESTAMPTZ NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          TIMESTAMPTZ NOT NULL,
    journal_offset       BIGINT NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           TIMESTAMPTZ,
    untimed_sum          BIGINT,
    history              JSONB,
    pm10                 DOUBLE PRECISION,
    pm25                 DOUBLE PRECISION,
    tsp                  DOUBLE PRECISION,
    sound_level          DOUBLE PRECISION,
    sound_level_max      DOUBLE PRECISION,
    background_level     DOUBLE PRECISION,
    temperature          DOUBLE PRECISION,
    humidity             DOUBLE PRECISION,
    wind_speed           DOUBLE PRECISION,
    wind_direction       DOUBLE PRECISION,
    pressure             DOUBLE PRECISION,
    rainfall             DOUBLE PRECISION,
    water_flow           DOUBLE PRECISION,
    pump_pressure        DOUBLE PRECISION,
    nozzles              TEXT,
    spraying             BOOLEAN,
    fog_cannon           BOOLEAN,
    earthwork            BOOLEAN,
    muck_covered         BOOLEAN,
    power_ok             BOOLEAN,
    video_online         BOOLEAN,
    UNIQUE (device, observed_at, flag)
);

CREATE TABLE kitchens (
    device               TEXT NOT NULL,
    observed_at          TIMESTAMPTZ NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          TIMESTAMPTZ NOT NULL,
    journal_offset       BIGINT NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           TIMESTAMPTZ,
    untimed_sum          BIGINT,
    history              JSONB,
    fume                 DOUBLE PRECISION,
    nmhc                 DOUBLE PRECISION,
    purifier_current     DOUBLE PRECISION,
    temperature          DOUBLE PRECISION,
    humidity             DOUBLE PRECISION,
    fan_running          BOOLEAN,
    purifier_running     BOOLEAN,
    power_ok             BOOLEAN,
    UNIQUE (device, observed_at, flag)
);

CREATE TABLE others (
    device               TEXT NOT NULL,
    observed_at          TIMESTAMPTZ NOT NULL,
    flag                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          TIMESTAMPTZ NOT NULL,
    journal_offset       BIGINT NOT NULL,
    part                 INTEGER NOT NULL,
    claimed_at           TIMESTAMPTZ,
    untimed_sum          BIGINT,
    history              JSONB,
    sound_level          DOUBLE PRECISION,
    water_flow           DOUBLE PRECISION,
    dissolved_oxygen     DOUBLE PRECISION,
    permanganate_index   DOUBLE PRECISION,
    ammonia_nitrogen     DOUBLE PRECISION,
    total_phosphorus     DOUBLE PRECISION,
    cod                  DOUBLE PRECISION,
    bod5                 DOUBLE PRECISION,
    ph                   DOUBLE PRECISION,
    bikes_total          DOUBLE PRECISION,
    bikes_serviceable    DOUBLE PRECISION,
    UNIQUE (device, observed_at, flag)
);

CREATE TABLE quantities (
    device               TEXT NOT NULL,
    observed_at          TIMESTAMPTZ NOT NULL,
    flag                 TEXT NOT NULL,
    quantity             TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          TIMESTAMPTZ NOT NULL,
    journal_offset       BIGINT NOT NULL,
    part                 INTEGER NOT NULL,
    history              JSONB,
    number               DOUBLE PRECISION,
    text                 TEXT,
    UNIQUE (device, observed_at, flag, quantity)
);

CREATE TABLE events (
    device               TEXT NOT NULL,
    observed_at          TIMESTAMPTZ NOT NULL,
    flag                 TEXT NOT NULL,
    name                 TEXT NOT NULL,
    asset                TEXT NOT NULL,
    received_at          TIMESTAMPTZ NOT NULL,
    journal_offset       BIGINT NOT NULL,
    part                 INTEGER NOT NULL,
    history              JSONB,
    fields               TEXT,
    UNIQUE (device, observed_at, flag, name, asset)
);

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
    lead           BOOLEAN NOT NULL,
    trial          BOOLEAN NOT NULL,
    reconstructed  BOOLEAN NOT NULL,
    began_at       TIMESTAMPTZ NOT NULL,
    opened_at      TIMESTAMPTZ NOT NULL,
    cleared_at     TIMESTAMPTZ,
    alert          JSONB NOT NULL
);
CREATE INDEX alerts_by_opened ON alerts (opened_at);
CREATE INDEX alerts_by_asset ON alerts (asset, opened_at);

CREATE TABLE alert_events (
    entry          BIGINT NOT NULL,
    place          INTEGER NOT NULL,
    alert          TEXT NOT NULL,
    sequence       BIGINT NOT NULL,
    at             TIMESTAMPTZ NOT NULL,
    event          TEXT NOT NULL,
    who            TEXT NOT NULL,
    why            TEXT,
    PRIMARY KEY (entry, place)
);
CREATE INDEX alert_events_by_alert ON alert_events (alert, entry, place);

CREATE VIEW readings AS
SELECT device, 'latitude' AS quantity, observed_at, latitude AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE latitude IS NOT NULL
UNION ALL SELECT device, 'longitude' AS quantity, observed_at, longitude AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE longitude IS NOT NULL
UNION ALL SELECT device, 'speed' AS quantity, observed_at, speed AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE speed IS NOT NULL
UNION ALL SELECT device, 'heading' AS quantity, observed_at, heading AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE heading IS NOT NULL
UNION ALL SELECT device, 'fix_valid' AS quantity, observed_at, fix_valid::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE fix_valid IS NOT NULL
UNION ALL SELECT device, 'sound_level' AS quantity, observed_at, sound_level AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE sound_level IS NOT NULL
UNION ALL SELECT device, 'sound_level_max' AS quantity, observed_at, sound_level_max AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE sound_level_max IS NOT NULL
UNION ALL SELECT device, 'background_level' AS quantity, observed_at, background_level AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE background_level IS NOT NULL
UNION ALL SELECT device, 'gross_mass' AS quantity, observed_at, gross_mass AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE gross_mass IS NOT NULL
UNION ALL SELECT device, 'water_flow' AS quantity, observed_at, water_flow AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE water_flow IS NOT NULL
UNION ALL SELECT device, 'pump_pressure' AS quantity, observed_at, pump_pressure AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE pump_pressure IS NOT NULL
UNION ALL SELECT device, 'chime' AS quantity, observed_at, chime::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE chime IS NOT NULL
UNION ALL SELECT device, 'spraying' AS quantity, observed_at, spraying::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE spraying IS NOT NULL
UNION ALL SELECT device, 'sweeping' AS quantity, observed_at, sweeping::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE sweeping IS NOT NULL
UNION ALL SELECT device, 'cover_closed' AS quantity, observed_at, cover_closed::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE cover_closed IS NOT NULL
UNION ALL SELECT device, 'cover_half' AS quantity, observed_at, cover_half::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE cover_half IS NOT NULL
UNION ALL SELECT device, 'loaded' AS quantity, observed_at, loaded::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE loaded IS NOT NULL
UNION ALL SELECT device, 'hoist_raised' AS quantity, observed_at, hoist_raised::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE hoist_raised IS NOT NULL
UNION ALL SELECT device, 'leaking' AS quantity, observed_at, leaking::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE leaking IS NOT NULL
UNION ALL SELECT device, 'lid_open' AS quantity, observed_at, lid_open::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE lid_open IS NOT NULL
UNION ALL SELECT device, 'acc' AS quantity, observed_at, acc::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE acc IS NOT NULL
UNION ALL SELECT device, 'antenna_ok' AS quantity, observed_at, antenna_ok::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE antenna_ok IS NOT NULL
UNION ALL SELECT device, 'power_ok' AS quantity, observed_at, power_ok::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE power_ok IS NOT NULL
UNION ALL SELECT device, 'video_online' AS quantity, observed_at, video_online::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM vehicles WHERE video_online IS NOT NULL
UNION ALL SELECT device, 'pm10' AS quantity, observed_at, pm10 AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pm10 IS NOT NULL
UNION ALL SELECT device, 'pm25' AS quantity, observed_at, pm25 AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pm25 IS NOT NULL
UNION ALL SELECT device, 'tsp' AS quantity, observed_at, tsp AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE tsp IS NOT NULL
UNION ALL SELECT device, 'sound_level' AS quantity, observed_at, sound_level AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE sound_level IS NOT NULL
UNION ALL SELECT device, 'sound_level_max' AS quantity, observed_at, sound_level_max AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE sound_level_max IS NOT NULL
UNION ALL SELECT device, 'background_level' AS quantity, observed_at, background_level AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE background_level IS NOT NULL
UNION ALL SELECT device, 'temperature' AS quantity, observed_at, temperature AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE temperature IS NOT NULL
UNION ALL SELECT device, 'humidity' AS quantity, observed_at, humidity AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE humidity IS NOT NULL
UNION ALL SELECT device, 'wind_speed' AS quantity, observed_at, wind_speed AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE wind_speed IS NOT NULL
UNION ALL SELECT device, 'wind_direction' AS quantity, observed_at, wind_direction AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE wind_direction IS NOT NULL
UNION ALL SELECT device, 'pressure' AS quantity, observed_at, pressure AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pressure IS NOT NULL
UNION ALL SELECT device, 'rainfall' AS quantity, observed_at, rainfall AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE rainfall IS NOT NULL
UNION ALL SELECT device, 'water_flow' AS quantity, observed_at, water_flow AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE water_flow IS NOT NULL
UNION ALL SELECT device, 'pump_pressure' AS quantity, observed_at, pump_pressure AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE pump_pressure IS NOT NULL
UNION ALL SELECT device, 'nozzles' AS quantity, observed_at, NULL::DOUBLE PRECISION AS value, nozzles AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE nozzles IS NOT NULL
UNION ALL SELECT device, 'spraying' AS quantity, observed_at, spraying::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE spraying IS NOT NULL
UNION ALL SELECT device, 'fog_cannon' AS quantity, observed_at, fog_cannon::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE fog_cannon IS NOT NULL
UNION ALL SELECT device, 'earthwork' AS quantity, observed_at, earthwork::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE earthwork IS NOT NULL
UNION ALL SELECT device, 'muck_covered' AS quantity, observed_at, muck_covered::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE muck_covered IS NOT NULL
UNION ALL SELECT device, 'power_ok' AS quantity, observed_at, power_ok::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE power_ok IS NOT NULL
UNION ALL SELECT device, 'video_online' AS quantity, observed_at, video_online::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM sites WHERE video_online IS NOT NULL
UNION ALL SELECT device, 'fume' AS quantity, observed_at, fume AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE fume IS NOT NULL
UNION ALL SELECT device, 'nmhc' AS quantity, observed_at, nmhc AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE nmhc IS NOT NULL
UNION ALL SELECT device, 'purifier_current' AS quantity, observed_at, purifier_current AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE purifier_current IS NOT NULL
UNION ALL SELECT device, 'temperature' AS quantity, observed_at, temperature AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE temperature IS NOT NULL
UNION ALL SELECT device, 'humidity' AS quantity, observed_at, humidity AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE humidity IS NOT NULL
UNION ALL SELECT device, 'fan_running' AS quantity, observed_at, fan_running::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE fan_running IS NOT NULL
UNION ALL SELECT device, 'purifier_running' AS quantity, observed_at, purifier_running::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE purifier_running IS NOT NULL
UNION ALL SELECT device, 'power_ok' AS quantity, observed_at, power_ok::INTEGER::DOUBLE PRECISION AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM kitchens WHERE power_ok IS NOT NULL
UNION ALL SELECT device, 'sound_level' AS quantity, observed_at, sound_level AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE sound_level IS NOT NULL
UNION ALL SELECT device, 'water_flow' AS quantity, observed_at, water_flow AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE water_flow IS NOT NULL
UNION ALL SELECT device, 'dissolved_oxygen' AS quantity, observed_at, dissolved_oxygen AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE dissolved_oxygen IS NOT NULL
UNION ALL SELECT device, 'permanganate_index' AS quantity, observed_at, permanganate_index AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE permanganate_index IS NOT NULL
UNION ALL SELECT device, 'ammonia_nitrogen' AS quantity, observed_at, ammonia_nitrogen AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE ammonia_nitrogen IS NOT NULL
UNION ALL SELECT device, 'total_phosphorus' AS quantity, observed_at, total_phosphorus AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE total_phosphorus IS NOT NULL
UNION ALL SELECT device, 'cod' AS quantity, observed_at, cod AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE cod IS NOT NULL
UNION ALL SELECT device, 'bod5' AS quantity, observed_at, bod5 AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE bod5 IS NOT NULL
UNION ALL SELECT device, 'ph' AS quantity, observed_at, ph AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE ph IS NOT NULL
UNION ALL SELECT device, 'bikes_total' AS quantity, observed_at, bikes_total AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE bikes_total IS NOT NULL
UNION ALL SELECT device, 'bikes_serviceable' AS quantity, observed_at, bikes_serviceable AS value, NULL::TEXT AS text, flag, asset, received_at, journal_offset, part FROM others WHERE bikes_serviceable IS NOT NULL
UNION ALL SELECT device, quantity, observed_at, number AS value, text, flag, asset, received_at, journal_offset, part FROM quantities;
