//! The driver: devices, memory, modules, streams, events, graphs.
