//! `&a + &b` and its kin. Both sides broadcast to a common shape; the result is a `Result`, since shapes may not fit.

use super::value::Value;
use crate::{Binary, Result};
use std::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! operator {
    ($trait:ident, $method:ident, $function:ident) => {
        impl $trait for &Value {
            type Output = Result<Value>;

            #[track_caller]
            fn $method(self, other: &Value) -> Result<Value> {
                self.binary(Binary::$function, other)
            }
        }

        impl $trait<f64> for &Value {
            type Output = Result<Value>;

            #[track_caller]
            fn $method(self, other: f64) -> Result<Value> {
                self.binary_scalar(Binary::$function, other)
            }
        }
    };
}

operator!(Add, add, Add);
operator!(Sub, sub, Sub);
operator!(Mul, mul, Mul);
operator!(Div, div, Div);

impl Neg for &Value {
    type Output = Result<Value>;

    #[track_caller]
    fn neg(self) -> Result<Value> {
        self.unary(crate::Unary::Neg)
    }
}
