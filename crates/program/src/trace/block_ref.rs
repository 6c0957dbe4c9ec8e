//! A traced block, ready to be called.

use super::building::Tracing;
use super::scope::Scope;
use super::value::Value;
use crate::{BlockId, Encoding, Error, Op, Result, Source, TensorType};
use std::panic::Location;
use std::rc::Rc;

/// A block that was traced by [`Scope::block`].
pub struct BlockRef {
    pub(super) tracing: Rc<Tracing>,
    pub(super) id: BlockId,
    pub(super) name: String,
    pub(super) arguments: Vec<TensorType>,
    pub(super) params: Vec<(String, TensorType, Encoding, Source)>,
    pub(super) results: Vec<TensorType>,
}

impl BlockRef {
    /// Calls the block. Its parameters become the caller's, each under the scope's prefix.
    #[track_caller]
    pub fn call(&self, scope: &Scope, arguments: &[&Value]) -> Result<Vec<Value>> {
        self.call_at(scope, arguments, &|name| name.to_string(), Location::caller())
    }

    /// As [`BlockRef::call`], with each of the block's parameter names replaced by `map(name)` within the scope.
    #[track_caller]
    pub fn call_with(
        &self,
        scope: &Scope,
        arguments: &[&Value],
        map: &dyn Fn(&str) -> String,
    ) -> Result<Vec<Value>> {
        self.call_at(scope, arguments, map, Location::caller())
    }

    /// The types of the block's results.
    pub fn results(&self) -> &[TensorType] {
        &self.results
    }

    fn call_at(
        &self,
        scope: &Scope,
        arguments: &[&Value],
        map: &dyn Fn(&str) -> String,
        location: &'static Location<'static>,
    ) -> Result<Vec<Value>> {
        let given: Vec<_> = arguments.iter().map(|value| value.ty().clone()).collect();
        if given != self.arguments || !Rc::ptr_eq(&self.tracing, scope.tracing()) {
            return Err(Error::Operands {
                op: format!("call of `{}`", self.name),
                operands: super::list_types(&given),
                reason: format!("the block takes {}", super::list_types(&self.arguments)),
                location: crate::error::here(location),
            });
        }
        let params: Result<Vec<_>> = self
            .params
            .iter()
            .map(|(name, ty, encoding, source)| {
                let source = source.clone().with_names(&|name| map(name));
                scope.param_from(&map(name), ty.clone(), encoding.clone(), Some(source))
            })
            .collect();
        scope.record_call(Op::Call { block: self.id }, arguments, &params?, &self.results, location)
    }
}
