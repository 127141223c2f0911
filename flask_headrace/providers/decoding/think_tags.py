"""The tags around the thoughts in a model's text, as an operator sets them for an upstream. Values only."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

TagPairs: TypeAlias = tuple[tuple[str, str], ...]
"""Opening tags, each with its closing tag."""

DEFAULT_TAGS: Final[TagPairs] = (
    ("<think>", "</think>"),  # DeepSeek R1, Qwen3, GLM, MiniMax, most others
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # Gemini's server of chat completions
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("◁think▷", "◁/think▷"),  # Kimi-VL
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThinker
)


class ThinkTags(NamedTuple):
    """What an upstream puts around the thoughts in its text; see the file of HEADRACE_CONFIG.

    Args:
        pairs: The opening and the closing tags; empty to leave the text as it is; None for `DEFAULT_TAGS`, and for no
            tags if the server is OpenAI's or Anthropic's own.
        in_prompt: The models whose prompt ends with the opening tag, so that only the closing one is in the text; `*`
            stands for all models.
    """

    pairs: TagPairs | None = None
    in_prompt: tuple[str, ...] = ()
