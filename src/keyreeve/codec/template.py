"""CloudFormation templates: YAML with its short tags ⇄ plain data with the long names.

What is shipped below `stacks/` is read with `!Sub`, `!Ref` …; what is deployed is written with
`Fn::Sub`, `Ref` …: the same template, and no anchors, which CloudFormation does not know.
"""

from __future__ import annotations

from importlib import resources
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from keyreeve.model.baseline import StackName

Template = dict[str, Any]
"""A template as JSON could hold it."""

_LONG: Final = {"!Ref": "Ref", "!Condition": "Condition"}
"""All other tags are `Fn::` and their name."""
_BOOLEANS_OF_1_1: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
_WIDTH = 100


def shipped(stack: StackName) -> Template:
    """The template of this name, without what is generated."""
    text = resources.files("keyreeve").joinpath("stacks", f"{stack.value}.yaml").read_text("utf-8")
    return read(text)


def read(text: str) -> Template:
    """A template's text. ruamel's YAMLError for what is none."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    template: Template = yaml.load(text)
    return template


def write(template: Template) -> str:
    """As YAML that people can read."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = _WIDTH
    out = StringIO()
    yaml.dump(template, out)
    return out.getvalue()


class _Constructor(SafeConstructor):
    """Knows the short tags."""


class _Representer(SafeRepresenter):
    """Writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - ruamel's signature
        """Never: CloudFormation does not read them."""
        return True


def _long(constructor: Any, _suffix: str, node: Node) -> dict[str, Any]:
    tag = str(node.tag)
    name = _LONG.get(tag, f"Fn::{tag.removeprefix('!')}")
    if isinstance(node, ScalarNode):
        value: Any = node.value
        if name == "Fn::GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, MappingNode):
        value = constructor.construct_mapping(node, deep=True)
    else:
        value = constructor.construct_sequence(node, deep=True)
    return {name: value}


def _text(representer: Any, text: str) -> Any:
    """CloudFormation reads YAML 1.1, where `OFF` is no text unless it is quoted."""
    style = "'" if text.lower() in _BOOLEANS_OF_1_1 else None
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Constructor.add_multi_constructor("!", _long)
_Representer.add_representer(str, _text)
