"""What a template card must be like (WX 5)."""

import re
from typing import Literal, get_args

from msgspec import Struct

from simulator.tencent.documents import Json
from simulator.wecom.contents import Content
from simulator.wecom.refusals import Refusal
from simulator.world import World

_TASK_ID = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
_BUTTONS, _OPTIONS, _SELECTIONS, _LONGEST_KEY = 6, 20, 3, 1024

# 42014 to 42051 name bad fields; which names which is a guess of ours.
_WRONG_KIND, _WRONG_TITLE, _WRONG_TASK = 42014, 42015, 42016
_WRONG_BUTTONS, _WRONG_SELECTION = 42018, 42019

Kind = Literal[
    "text_notice",
    "news_notice",
    "button_interaction",
    "vote_interaction",
    "multiple_interaction",
]
_INTERACTIVE = frozenset({"button_interaction", "vote_interaction", "multiple_interaction"})


class _Title(Struct):
    title: str = ""
    desc: str = ""


class _Button(Struct):
    text: str = ""
    key: str = ""

    def is_right(self) -> bool:
        return bool(self.text and self.key) and len(self.key.encode()) <= _LONGEST_KEY


class _Choice(Struct):
    question_key: str = ""
    option_list: list[Json] = []

    def is_right(self) -> bool:
        return bool(self.question_key) and 0 < len(self.option_list) <= _OPTIONS


class Card(Content, forbid_unknown_fields=False):
    """A card; fields that say only how it looks are taken as they are."""

    card_type: str = ""
    main_title: _Title | None = None
    sub_title_text: str = ""
    task_id: str = ""
    button_list: tuple[_Button, ...] = ()
    checkbox: _Choice | None = None
    select_list: tuple[_Choice, ...] = ()
    submit_button: _Button | None = None
    action_menu: Json | None = None

    def problem(self, world: World) -> Refusal | None:
        """Return which field is wrong."""
        del world
        if self.card_type not in get_args(Kind):
            return Refusal(_WRONG_KIND, repr(self.card_type))
        has_title = self.main_title is not None and bool(self.main_title.title)
        if not has_title and not self.sub_title_text:
            return Refusal(_WRONG_TITLE)
        has_task = bool(self.task_id) or self.has_code
        if has_task and not _TASK_ID.fullmatch(self.task_id):
            return Refusal(_WRONG_TASK, repr(self.task_id))
        return self._problem_of_choices()

    def _problem_of_choices(self) -> Refusal | None:
        buttons, submit = self.button_list, self.submit_button
        if self.card_type == "button_interaction":
            is_right = 0 < len(buttons) <= _BUTTONS and all(held.is_right() for held in buttons)
            return None if is_right else Refusal(_WRONG_BUTTONS)
        if self.card_type not in _INTERACTIVE:
            return None
        choices = (self.checkbox,) if self.card_type == "vote_interaction" else self.select_list
        is_right = 0 < len(choices) <= _SELECTIONS and all(
            choice is not None and choice.is_right() for choice in choices
        )
        has_end = submit is not None and submit.is_right()
        return None if is_right and has_end else Refusal(_WRONG_SELECTION)

    @property
    def has_code(self) -> bool:
        """Whether a sent one can be changed: it has buttons or a menu."""
        return self.card_type in _INTERACTIVE or self.action_menu is not None
