//! What a block begins with, and the block without it.

use super::super::Uses;
use super::Renamed;
use tintype_program::{Block, Node, Op, Param, Port, ValueId};

/// A norm of an argument, with what alone reads it if that is an elementwise pass, and what little makes what these
/// read: views, and elementwise work on what is smaller than the argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The argument that is normed.
    pub(super) argument: usize,
    /// The result that becomes the next call's argument.
    pub(super) result: usize,
    /// The other arguments that are read.
    pub(super) reads: Vec<usize>,
    /// The nodes, in their order. The last makes what is made.
    nodes: Vec<usize>,
    pub(super) made: ValueId,
}

impl Head {
    /// The heads of a block's arguments, of which it gives the next ones as results: pairs of an argument and a result.
    pub(super) fn all(block: &Block, pairs: &[(usize, usize)]) -> Vec<Self> {
        let uses = Uses::of(block);
        pairs.iter().filter_map(|&(argument, result)| Self::of(block, &uses, argument, result)).collect()
    }

    fn of(block: &Block, uses: &Uses<'_>, argument: usize, result: usize) -> Option<Self> {
        let arguments: Vec<ValueId> = block.arguments().collect();
        let x = *arguments.get(argument)?;
        let is_norm = |node: &&Node| {
            matches!(node.op, Op::LayerNorm { .. } | Op::RmsNorm { .. }) && node.inputs.first() == Some(&x)
        };
        let norm = block.nodes.iter().position(|node| is_norm(&node))?;
        let mut last = norm;
        if let Some((next, follower)) = uses.only_reader(norm)
            && matches!(follower.op, Op::Elementwise { .. })
            && let [output] = follower.outputs[..]
            && block.ty(output) == block.ty(x)
        {
            last = next;
        }
        Self::gathered(block, x, [argument, result], &[norm, last])
    }

    /// These nodes and the little that makes what they read. `None` where they read what the block computes otherwise.
    fn gathered(block: &Block, x: ValueId, ends: [usize; 2], nodes: &[usize]) -> Option<Self> {
        let arguments: Vec<ValueId> = block.arguments().collect();
        let mut members: Vec<usize> = nodes.to_vec();
        let (mut reads, mut open) = (Vec::new(), nodes.to_vec());
        while let Some(index) = open.pop() {
            for value in &block.nodes[index].inputs {
                if let Some(argument) = arguments.iter().position(|argument| argument == value) {
                    // What is encoded stays where it is decoded.
                    if !block.encoding(*value).is_plain() {
                        return None;
                    }
                    if argument != ends[0] && !reads.contains(&argument) {
                        reads.push(argument);
                    }
                    continue;
                }
                let maker = block.nodes.iter().position(|node| node.outputs.contains(value))?;
                if !members.contains(&maker) {
                    let op = &block.nodes[maker].op;
                    let small = block.ty(*value).elements() < block.ty(x).elements();
                    let little = small && matches!(op, Op::Constant { .. } | Op::Elementwise { .. });
                    if !op.is_view() && !little {
                        return None;
                    }
                    members.push(maker);
                    open.push(maker);
                }
            }
        }
        members.sort_unstable();
        members.dedup();
        reads.sort_unstable();
        let [made] = block.nodes[*nodes.last()?].outputs[..] else { return None };
        Some(Self { argument: ends[0], result: ends[1], reads, nodes: members, made })
    }

    /// The same operations in another block, on a call's arguments; what they make.
    pub(super) fn copy(&self, of: &Block, arguments: &[ValueId], into: &mut Block) -> ValueId {
        let mut renamed: Renamed = of.arguments().zip(arguments.iter().copied()).collect();
        self.append(of, &mut renamed, into)
    }

    fn append(&self, of: &Block, renamed: &mut Renamed, into: &mut Block) -> ValueId {
        for &index in &self.nodes {
            let node = &of.nodes[index];
            let inputs = node.inputs.iter().map(|value| renamed.get(value).copied().unwrap_or(*value));
            let inputs = inputs.collect();
            let outputs: Vec<ValueId> =
                node.outputs.iter().map(|&value| into.push_value(of.ty(value).clone())).collect();
            renamed.extend(node.outputs.iter().copied().zip(outputs.iter().copied()));
            into.nodes.push(Node { op: node.op.clone(), inputs, outputs });
        }
        renamed.get(&self.made).copied().unwrap_or(self.made)
    }
}

/// A block whose heads are done before it: what they made are its first new inputs. What the next call's heads read beside
/// its own results are inputs or parameters behind its own, where they are done in it.
pub(super) struct Variant;

impl Variant {
    pub(super) fn of(body: &Block, heads: &[Head], carries: bool) -> Block {
        let mut block = body.clone();
        let mut inputs: Vec<Port> = Vec::new();
        for head in heads {
            // The value that was made is given now, and nobody reads what is made.
            let unread = block.push_value(body.ty(head.made).clone());
            for node in block.nodes.iter_mut().filter(|node| node.outputs == [head.made]) {
                node.outputs = vec![unread];
            }
            inputs.push(Port { name: format!("normed_{}", head.argument), value: head.made });
        }
        let mut params: Vec<Param> = Vec::new();
        if carries {
            let arguments: Vec<ValueId> = body.arguments().collect();
            let results: Vec<ValueId> = body.results().collect();
            for head in heads {
                let mut renamed = Renamed::new();
                for &read in &head.reads {
                    let own = arguments[read];
                    let value = block.push_value(body.ty(own).clone());
                    renamed.insert(own, value);
                    let name = format!("next_{}_{read}", head.argument);
                    match body.params.iter().find(|param| param.value == own) {
                        Some(param) => params.push(Param { name, value, ..param.clone() }),
                        None => inputs.push(Port { name, value }),
                    }
                }
                let x = results[head.result];
                renamed.insert(arguments[head.argument], x);
                let made = head.append(body, &mut renamed, &mut block);
                // Right behind what makes it, as long as it is near.
                let own = block.nodes.split_off(block.nodes.len() - head.nodes.len());
                let maker = block.nodes.iter().position(|node| node.outputs.contains(&x));
                let at = maker.map_or(0, |maker| maker + 1);
                block.nodes.splice(at..at, own);
                block.outputs.push(Port { name: format!("normed_{}", head.argument), value: made });
            }
        }
        block.inputs.extend(inputs);
        block.params.extend(params);
        let used = block.used_values();
        block.nodes.retain(|node| node.outputs.iter().any(|value| used[value.index()]));
        block
    }

    /// A call's operands in the order of the block's arguments: those that it had, what its heads made, and what the next
    /// call's heads read (by head), if there is a next.
    pub(super) fn arguments(
        body: &Block,
        heads: &[Head],
        own: &[ValueId],
        normed: &[ValueId],
        ahead: &[ValueId],
    ) -> Vec<ValueId> {
        let (own_inputs, own_params) = own.split_at(body.inputs.len().min(own.len()));
        let (mut inputs, mut params) = (own_inputs.to_vec(), own_params.to_vec());
        inputs.extend(normed);
        let reads = heads.iter().flat_map(|head| &head.reads);
        for (&read, &value) in reads.zip(ahead) {
            if read < body.inputs.len() { inputs.push(value) } else { params.push(value) }
        }
        [inputs, params].concat()
    }
}
