//! stub
#![allow(missing_docs)]
pub mod copy {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn copy(_: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
    pub fn fill(_: f64, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod elementwise {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn group(_: &Block, _: &[View], _: &View, _: &Architecture) -> R {
        todo()
    }
    pub fn single(_: &Op, _: &[View], _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod gather {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn gather(_: usize, _: &View, _: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod norm {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn single(_: &Op, _: &[View], _: &View, _: &Architecture) -> R {
        todo()
    }
    pub fn fused(_: &Program, _: &Block, _: &[View], _: &[View], _: &Architecture) -> R {
        todo()
    }
    pub fn group_norm(_: usize, _: f64, _: &View, _: &[View], _: bool, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod pad {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn pad(_: &[usize], _: PadMode, _: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod reduce {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn reduce(_: Reduce, _: &[usize], _: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod rotary {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn rotary(_: Pairing, _: &View, _: &View, _: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod softmax {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn softmax(_: usize, _: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod upsample {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn upsample(_: &[usize], _: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod decode {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn decode(_: &Encoding, _: &TensorType, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod matmul {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn matmul(_: &MatMul, _: &Architecture) -> R {
        todo()
    }
    pub fn general(_: &View, _: &View, _: &View, _: &Architecture) -> R {
        todo()
    }
}
pub mod attention {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn attention(_: &Attention, _: &Architecture) -> R {
        todo()
    }
}
pub mod convolution {
    #![allow(unused_imports)]
    use crate::*;
    use tintype_program::*;
    type R = std::result::Result<Launch, String>;
    fn todo() -> R {
        R::Err("stub".into())
    }
    pub fn convolution(_: &Convolution, _: &Architecture) -> R {
        todo()
    }
    pub fn direct(_: &Op, _: &View, _: &View, _: Option<&View>, _: &View, _: &Architecture) -> R {
        todo()
    }
}
