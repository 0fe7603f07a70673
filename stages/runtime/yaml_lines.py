"""Where the items of a YAML list begin, for messages that name a line."""

import yaml


def item_lines(text: bytes) -> tuple[int, ...]:
    """The line of each item of the outermost list, from 1. Empty where there is no list.

    The text must be YAML: `stages.runtime.settings_file.plain_values` has read it before.
    """
    node = yaml.compose(text.decode(), Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.SequenceNode):
        return ()
    return tuple(item.start_mark.line + 1 for item in node.value)
