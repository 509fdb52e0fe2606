//! `CLUSTER BY` of tables.

use serde_json::{Value, json};

use super::delta_log;
use crate::catalog::Catalog;
use crate::catalog::access::Identity;
use crate::catalog::column::Column;
use crate::catalog::delta;
use crate::catalog::fault::CatalogError;
use crate::catalog::record::TableRecord;

#[expect(clippy::unused_self, reason = "who asks need not know where the clustering is kept")]
impl Catalog {
    /// Columns that `OPTIMIZE` sorts a Delta table by.
    pub(crate) fn clustering(&self, table: &TableRecord) -> Result<Vec<String>, CatalogError> {
        Ok(delta::clustering(&delta_log(table)?.snapshot()?.metadata))
    }

    /// The property that clusters a new table of these columns.
    pub(crate) fn clustering_property(
        &self,
        columns: &[Column],
        names: &[String],
    ) -> Result<Option<(String, String)>, CatalogError> {
        Ok(delta::property(columns, names)?.map(|text| (delta::CLUSTERING.to_owned(), text)))
    }

    /// The property that says that the columns are chosen by whoever keeps the table.
    pub(crate) fn clustering_auto_property(&self) -> (String, String) {
        (delta::CLUSTERING_AUTO.to_owned(), "true".to_owned())
    }

    pub(super) fn cluster_auto(&self, identity: &Identity, record: &TableRecord) -> Result<(), CatalogError> {
        let parameters = json!({ "clusterByAuto": "true" });
        self.change_metadata(identity, record, "CLUSTER BY", &parameters, delta::cluster_auto)
    }

    pub(super) fn cluster_by(
        &self,
        identity: &Identity,
        record: &TableRecord,
        names: &[String],
    ) -> Result<(), CatalogError> {
        let list = |names: Vec<String>| Value::from(names.join(","));
        let parameters = json!({
            "oldClusteringColumns": list(self.clustering(record)?),
            "newClusteringColumns": list(names.to_vec()),
        });
        self.change_metadata(identity, record, "CLUSTER BY", &parameters, |metadata| {
            delta::cluster(metadata, names)
        })
    }
}
