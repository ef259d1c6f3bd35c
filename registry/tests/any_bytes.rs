//! Whatever the files hold, reading them reports and never panics, and what it returns can be frozen.

use citywarden_model::{LocalClock, RegionId, Registry};
use citywarden_registry::{FILE_NAMES, Options, RegistryFiles, freeze, read, thaw};
use proptest::prelude::*;

fn read_any(files: &RegistryFiles, previous: Option<&Registry>) -> Registry {
    let region = RegionId::from("330624");
    let options =
        Options { region: &region, clock: LocalClock::default(), receivers: None, max_loss: Some(0.2) };
    read(files, options, previous).registry
}

/// Bytes, and texts made of the pieces that mean something to the readers.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "id,kind,asset,interval_s,lat,lon,crs,from,to,name,receiver\n",
        "id",
        "kind",
        ",",
        "\"",
        "\"\"",
        "\n",
        "\r\n",
        "\u{feff}",
        "site-1",
        "venue",
        "muck_truck",
        "29.5",
        "120.9",
        "-1",
        "1e400",
        "NaN",
        "工地",
        "gcj02",
        "2026-11-24 22:00",
        "{\"type\":\"FeatureCollection\",\"features\":[",
        "{\"type\":\"Feature\",\"properties\":{\"id\":\"z\",\"kind\":\"site\"},",
        "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[120.9,29.5],[120.91,29.5],[120.91,29.51]]]}}",
        "]}",
        "[",
        "]",
        "{",
        "}",
        ":",
        "null",
        "\\u0000",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_is_read_survives_freezing(
        contents in prop::array::uniform5(content()),
        before in prop::array::uniform5(content()),
    ) {
        let files = |contents: &[Vec<u8>]| {
            FILE_NAMES.iter().zip(contents).fold(RegistryFiles::new("r"), |files, (name, bytes)| files.with(name, bytes.clone()))
        };
        let before = read_any(&files(&before), None);
        let registry = read_any(&files(&contents), Some(&before));
        prop_assert_eq!(&read_any(&files(&contents), Some(&before)), &registry);
        prop_assert_eq!(thaw(&freeze(&registry)).expect("it was just frozen"), registry);
    }
}
