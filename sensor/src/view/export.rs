//! `sensor export`: the map in forms of other tools.

mod mud;

use std::fmt::Write;

use anyhow::Result;
use clap::Subcommand;
use sensor_model::FlowMap;

use super::conversations::{label, labels, service};
use super::table::print;

#[derive(Clone, Debug, Subcommand)]
pub enum Form {
    /// Conversations as comma-separated values (RFC 4180)
    Csv,
    /// The map as a Graphviz graph
    Dot,
    /// The map as GraphML
    Graphml,
    /// What one asset needs as a manufacturer usage description (RFC 8520)
    Mud {
        /// Id, label, address, MAC or name of the asset
        asset: String,
    },
}

pub fn show(map: &FlowMap, form: &Form) -> Result<()> {
    let text = match form {
        Form::Csv => csv(map)?,
        Form::Dot => dot(map)?,
        Form::Graphml => graphml(map)?,
        Form::Mud { asset } => mud::describe(map, super::why::find(map, asset)?)?,
    };
    print(&text)
}

fn csv(map: &FlowMap) -> Result<String, std::fmt::Error> {
    let labels = labels(map);
    let mut text = String::from(
        "client,client_label,server,server_label,protocol,port,service,strength,flows,answered_flows,\
         client_packets,server_packets,client_bytes,server_bytes,first_seen,last_seen,days,operations\r\n",
    );
    for c in &map.conversations {
        let strength = c.service.name_strength.map(|strength| format!("{strength:?}").to_lowercase()).unwrap_or_default();
        let fields = [
            c.client.to_string(),
            label(&labels, &c.client),
            c.server.to_string(),
            label(&labels, &c.server),
            c.service.protocol.to_string(),
            c.service.port.to_string(),
            c.service.name.clone().unwrap_or_default(),
            strength,
            c.flows.to_string(),
            c.answered_flows.to_string(),
            c.packets.client.to_string(),
            c.packets.server.to_string(),
            c.bytes.client.to_string(),
            c.bytes.server.to_string(),
            c.first_seen.to_string(),
            c.last_seen.to_string(),
            c.activity.days.to_string(),
            c.operations.iter().map(|operation| format!("{}={}", operation.name, operation.times)).collect::<Vec<_>>().join(" "),
        ];
        let quoted: Vec<String> = fields.iter().map(|field| quote_csv(field)).collect();
        write!(text, "{}\r\n", quoted.join(","))?;
    }
    Ok(text)
}

/// RFC 4180 2.6; and a name from the network must not become a formula in a spreadsheet.
fn quote_csv(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t']);
    if is_formula || field.contains([',', '"', '\r', '\n']) {
        format!("\"{}{}\"", if is_formula { "'" } else { "" }, field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn dot(map: &FlowMap) -> Result<String, std::fmt::Error> {
    let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = String::from("digraph flowmap {\n  rankdir=LR;\n  node [shape=box];\n");
    for asset in &map.assets {
        writeln!(text, "  {} [label={}];", quote(asset.id.as_str()), quote(&asset.label))?;
    }
    for conversation in &map.conversations {
        let (client, server) = (quote(conversation.client.as_str()), quote(conversation.server.as_str()));
        writeln!(text, "  {client} -> {server} [label={}];", quote(&service(conversation)))?;
    }
    text.push_str("}\n");
    Ok(text)
}

fn graphml(map: &FlowMap) -> Result<String, std::fmt::Error> {
    let mut text = String::from(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
        "  <key id=\"label\" for=\"node\" attr.name=\"label\" attr.type=\"string\"/>\n",
        "  <key id=\"service\" for=\"edge\" attr.name=\"service\" attr.type=\"string\"/>\n",
        "  <key id=\"flows\" for=\"edge\" attr.name=\"flows\" attr.type=\"long\"/>\n",
        "  <graph edgedefault=\"directed\">\n",
    ));
    for asset in &map.assets {
        let (id, label) = (quote_xml(asset.id.as_str()), quote_xml(&asset.label));
        writeln!(text, "    <node id=\"{id}\"><data key=\"label\">{label}</data></node>")?;
    }
    for c in &map.conversations {
        let (client, server) = (quote_xml(c.client.as_str()), quote_xml(c.server.as_str()));
        let (service, flows) = (quote_xml(&service(c)), c.flows);
        writeln!(
            text,
            "    <edge source=\"{client}\" target=\"{server}\"><data key=\"service\">{service}</data><data key=\"flows\">{flows}</data></edge>"
        )?;
    }
    text.push_str("  </graph>\n</graphml>\n");
    Ok(text)
}

/// Control characters cannot be in XML 1.0 at all.
fn quote_xml(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '&' => quoted.push_str("&amp;"),
            '<' => quoted.push_str("&lt;"),
            '>' => quoted.push_str("&gt;"),
            '"' => quoted.push_str("&quot;"),
            other => quoted.push(other),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::flow_map;

    #[test]
    fn every_form_names_the_conversation() {
        let map = flow_map();
        let id = map.conversations[0].client.to_string();
        for text in [csv(&map).unwrap(), dot(&map).unwrap(), graphml(&map).unwrap()] {
            assert!(text.contains(&id) && text.contains("modbus"), "{text}");
        }
        assert_eq!(csv(&map).unwrap().lines().count(), 2);
    }

    #[test]
    fn text_from_the_network_breaks_neither_csv_nor_xml() {
        assert_eq!(quote_csv("=cmd(\"x\")"), "\"'=cmd(\"\"x\"\")\"");
        assert_eq!(quote_xml("<a&\"b\">\u{7}"), "&lt;a&amp;&quot;b&quot;&gt;");
    }
}
