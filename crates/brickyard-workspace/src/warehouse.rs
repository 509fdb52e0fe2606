//! SQL warehouses: Thrift and REST protocols over one session layer.

mod thrift;
