//! What a Program is given and what it gives, by name.

use super::encoded::decode;
use super::tensor::Tensor;
use crate::{Error, Result};
use std::collections::BTreeMap;
use tintype_program::{Encoding, Program, TensorType, ValueId};

/// Values of a Program's inputs, parameters and states, by name. The format gives each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bindings {
    values: BTreeMap<String, Tensor>,
}

/// What a run of a Program gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// The outputs, by name.
    pub outputs: BTreeMap<String, Tensor>,
    /// What states hold when the run ends, by name.
    pub states: BTreeMap<String, Tensor>,
}

impl Bindings {
    /// Nothing bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds a value. An encoded parameter is bound to the plain values that it stands for.
    pub fn set(&mut self, name: impl Into<String>, value: Tensor) {
        self.values.insert(name.into(), value);
    }

    /// Binds buffers as a plugin gets them: elements in the declared dtype, little-endian; encoded parameters as
    /// codes and scales ([`Encoding`]).
    pub fn from_bytes<'a>(
        program: &Program,
        buffers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self> {
        let entry = program.entry();
        let plain = &Encoding::Plain;
        let ports = entry.inputs.iter().map(|port| (port.name.as_str(), port.value, plain));
        let params = entry.params.iter().map(|param| (param.name.as_str(), param.value, &param.encoding));
        let states = entry.states.iter().map(|state| (state.name.as_str(), state.value, plain));
        let declared: BTreeMap<&str, (ValueId, &Encoding)> = ports
            .chain(params)
            .chain(states)
            .map(|(name, value, encoding)| (name, (value, encoding)))
            .collect();
        let mut bindings = Self::new();
        for (name, bytes) in buffers {
            let Some(&(value, encoding)) = declared.get(name) else {
                return Err(Error::Unknown { name: name.into() });
            };
            let ty = entry.ty(value);
            let value = decode(bytes, ty, encoding).and_then(|data| Tensor::new(ty.shape.clone(), data));
            let Some(value) = value else {
                let given = format!("{} bytes", bytes.len());
                return Err(Error::Misfit { name: name.into(), wanted: ty.to_string(), given });
            };
            bindings.set(name, value);
        }
        Ok(bindings)
    }

    /// The value bound to a declaration, if it fits.
    pub(super) fn get(&self, role: &'static str, name: &str, ty: &TensorType) -> Result<&Tensor> {
        let value = self.values.get(name).ok_or_else(|| Error::Missing {
            role,
            name: name.into(),
            wanted: ty.to_string(),
        })?;
        if value.shape != ty.shape || value.data.len() != ty.elements() {
            let given = format!("shape {:?} with {} elements", value.shape, value.data.len());
            return Err(Error::Misfit { name: name.into(), wanted: ty.to_string(), given });
        }
        Ok(value)
    }
}
