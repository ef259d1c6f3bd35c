//! `units.csv`: the responsible units and whom they listen to.

use citywarden_model::Unit;

use crate::files::UNITS;
use crate::record::{Locality, Record};
use crate::reference::{Reference, Target};
use crate::table::{Columns, Line, Refused};

impl Record for Unit {
    type Id = String;
    const FILE: &'static str = UNITS;
    const COLUMNS: Columns =
        Columns { required: &["id", "name", "receiver"], optional: &["area"], attributes: &[] };

    fn read(id: String, line: &Line<'_, '_>, _: Locality<'_>) -> Result<Self, Refused> {
        let name = line.need("name", |text| Ok(text.to_owned()));
        let [area, receiver] =
            ["area", "receiver"].map(|column| line.text(column).unwrap_or_default().to_owned());
        Ok(Self { id, name: name?, area, receiver })
    }
    fn references(&self) -> Vec<Reference<'_>> {
        let receiver = Reference { column: "receiver", to: Target::Receiver, id: &self.receiver };
        Some(receiver).filter(|receiver| !receiver.id.is_empty()).into_iter().collect()
    }
}
