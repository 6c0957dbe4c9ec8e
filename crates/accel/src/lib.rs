//! The accelerator layer: what a plugin implements and what a pipeline drives.
