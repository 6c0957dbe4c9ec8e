//! Graphs.

use crate::abi::{Handle, In, InstantiateParams, Out, UpdateResult};
use crate::book::Kind;
use crate::capture::Graph;
use crate::condition::NodeParams;
use crate::status::{INVALID_HANDLE, INVALID_VALUE, NOT_SUPPORTED, refuse};

crate::exports! {
    fn cuGraphCreate(graph: Out<Handle>, flags: u32) {
        facts: |ok| graph.shown(ok, "graph"),
        track: |d| d.book.add(Kind::Graph, graph.get(), 0),
        emulate: |d| {
            if flags != 0 {
                return refuse(INVALID_VALUE, format!("flags {flags:#x}"));
            }
            let handle = d.new_handle();
            d.graphs.insert(handle, Graph::default());
            graph.put(handle)
        },
    }

    fn cuGraphDestroy(graph: Handle) {
        facts: |ok| format!("graph={graph:#x}"),
        track: |d| { d.book.remove(Kind::Graph, graph); d.bodies.retain(|_, owner| *owner != graph) },
        emulate: |d| d.destroy_graph(graph),
    }

    fn cuGraphConditionalHandleCreate(condition: Out<u64>, graph: Handle, context: Handle, default: u32, flags: u32) {
        facts: |ok| format!("graph={graph:#x} default={default} {}", condition.shown(ok, "condition")),
        emulate: |d| { let made = d.new_condition(graph, default, flags)?; condition.put(made) },
    }

    fn cuGraphAddNode_v2(
        node: Out<Handle>, graph: Handle, after: In<Handle>, edges: u64, count: u64, params: Out<NodeParams>,
    ) {
        facts: |ok| format!("graph={graph:#x}"),
        track: |d| d.note_body(graph, params),
        emulate: |d| {
            if count != 0 {
                return refuse(NOT_SUPPORTED, "a node that comes after others");
            }
            let made = d.add_conditional(graph, params)?;
            node.put(made)
        },
    }

    fn cuGraphInstantiateWithFlags(exec: Out<Handle>, graph: Handle, flags: u64) {
        facts: |ok| format!("graph={graph:#x} flags={flags} {}", exec.shown(ok, "exec")),
        track: |d| d.book.add(Kind::Exec, exec.get(), 0),
        emulate: |d| { let made = d.instantiate(graph, flags)?; exec.put(made) },
    }

    /// The form of 10.0 to 11.3, with a node and a text for what went wrong.
    fn cuGraphInstantiate(exec: Out<Handle>, graph: Handle, node: Out<Handle>, text: Out<u8>, len: u64) {
        facts: |ok| format!("graph={graph:#x} {}", exec.shown(ok, "exec")),
        track: |d| d.book.add(Kind::Exec, exec.get(), 0),
        emulate: |d| { node.put_if(0); let made = d.instantiate(graph, 0)?; exec.put(made) },
    }

    /// The same.
    fn cuGraphInstantiate_v2(exec: Out<Handle>, graph: Handle, node: Out<Handle>, text: Out<u8>, len: u64) {
        facts: |ok| format!("graph={graph:#x} {}", exec.shown(ok, "exec")),
        track: |d| d.book.add(Kind::Exec, exec.get(), 0),
        emulate: |d| { node.put_if(0); let made = d.instantiate(graph, 0)?; exec.put(made) },
    }

    fn cuGraphInstantiateWithParams(exec: Out<Handle>, graph: Handle, params: Out<InstantiateParams>) {
        facts: |ok| format!("graph={graph:#x} {}", exec.shown(ok, "exec")),
        track: |d| d.book.add(Kind::Exec, exec.get(), 0),
        emulate: |d| {
            let Some(mut asked) = params.get() else { return refuse(INVALID_VALUE, "no parameters") };
            let made = d.instantiate(graph, asked.flags);
            (asked.error_node, asked.result) = (0, u32::from(made.is_err()));
            params.put(asked)?;
            exec.put(made?)
        },
    }

    fn cuGraphLaunch(exec: Handle, stream: Handle) {
        stream: stream,
        facts: |ok| format!("exec={exec:#x}"),
        track: |d| d.log.add("graph_launches", 1),
        emulate: |d| d.replay(exec, stream),
    }

    fn cuGraphUpload(exec: Handle, stream: Handle) {
        stream: stream,
        facts: |ok| format!("exec={exec:#x}"),
        emulate: |d| { d.exec(exec)?; d.enqueueable(stream).map(drop) },
    }

    fn cuGraphExecDestroy(exec: Handle) {
        facts: |ok| format!("exec={exec:#x}"),
        track: |d| d.book.remove(Kind::Exec, exec),
        emulate: |d| { d.exec(exec)?; d.execs.remove(&exec); Ok(()) },
    }

    fn cuGraphExecUpdate_v2(exec: Handle, graph: Handle, result: Out<UpdateResult>) {
        facts: |ok| format!("exec={exec:#x} graph={graph:#x}"),
        emulate: |d| {
            let updated = d.update(exec, graph);
            // 0: done, 2: the topology changed.
            let code = if updated.is_ok() { 0 } else { 2 };
            result.put(UpdateResult { result: code, error_node: 0, error_from: 0 })?;
            updated
        },
    }

    fn cuGraphGetNodes(graph: Handle, nodes: Out<Handle>, count: Out<u64>) {
        facts: |ok| format!("graph={graph:#x}"),
        emulate: |d| {
            let found: Vec<Handle> = d.graph(graph)?.nodes.iter().map(|node| node.handle).collect();
            if nodes.is_null() {
                return count.put(found.len() as u64);
            }
            let Some(room) = count.get() else { return refuse(INVALID_VALUE, "no room for nodes") };
            // Past the last node the vendor writes nulls.
            for index in 0..room as usize {
                nodes.put_at(index, found.get(index).copied().unwrap_or(0));
            }
            count.put(room.min(found.len() as u64))
        },
    }

    fn cuGraphNodeGetType(node: Handle, kind: Out<u32>) {
        emulate: |d| {
            let mut nodes = d.graphs.values().flat_map(|graph| &graph.nodes);
            match nodes.find(|found| found.handle == node) {
                Some(found) => kind.put(found.op.kind()),
                None => refuse(INVALID_HANDLE, format!("node {node:#x} is not alive")),
            }
        },
    }
}
