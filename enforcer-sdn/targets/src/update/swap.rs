//! A new list beside the old one, and one command that binds it in the old one's place.

use super::model::{Device, List};
use super::{Command, Does, Update};

pub(super) fn swap(device: &Device, new: &List, update: &mut Update) {
    let version = usize::from(new.is_ipv6);
    let mode = format!("{} {}", device.syntax.header[version], new.name);
    let build = |mode: &str, text: String| Command { mode: mode.to_owned(), text, does: Does::Build };
    // What a list of that name holds would stay in it.
    update.commands.push(build("", format!("no {mode}")));
    update.commands.extend(new.lines.iter().map(|line| build(&mode, line.clone())));
    update.notes.push(format!("`{}` must not be bound anywhere before: it is written anew", new.name));
    let bind = |mode: String, text: String| Command { mode, text, does: Does::Bind };
    let old = device.active(new.is_ipv6).map(|list| list.name.as_str());
    let bound = device.bindings.iter().filter(|binding| binding.line.split(' ').any(|word| Some(word) == old));
    let binds: Vec<Command> = bound
        .map(|binding| {
            let words = binding.line.split(' ').map(|word| if Some(word) == old { new.name.as_str() } else { word });
            bind(binding.interface.clone(), words.collect::<Vec<_>>().join(" "))
        })
        .collect();
    if binds.is_empty() {
        let words = device.syntax.bind[version].first().copied().unwrap_or_default();
        let wherever = old.map_or_else(|| "wherever it shall judge".into(), |old| format!("wherever `{old}` is bound"));
        update.notes.push(format!("the running text does not say where the list is bound: bind `{}` {wherever}", new.name));
        update.commands.push(bind("interface NAME".into(), format!("{words} {} DIRECTION", new.name)));
    } else {
        update.commands.extend(binds);
    }
    if let Some(old) = old {
        update.notes.push(format!("`{old}` stays on the device, not bound, and is the way back"));
    }
}
