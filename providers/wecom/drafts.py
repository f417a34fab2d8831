"""Which call carries a message through WeCom, as whom, and with which body (WX 15).

members          message/send          as an app with an agentId
chat:<chatid>    appchat/send          as the app that created it
robot:<name>     webhook/send          as the robot
a group send     add_msg_template      as an app that may use customer contact
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from domain.failures import ErrorCode, Failure
from providers.contract import Message
from providers.wecom import group_sends
from providers.wecom.api_settings import ROBOTS, WecomApp, WecomRobot, WecomSendSettings
from providers.wecom.app_messages import to_chat, to_members
from providers.wecom.carrying import Body, CannotCarry, Media, encoded
from providers.wecom.recipients import Chat, Members, RobotGroup, target_of
from providers.wecom.robot_messages import to_group
from schemas.topics.contents import GroupSendContent

_CHAT_PATH: Final = "cgi-bin/appchat/send"


@dataclass(frozen=True, slots=True)
class Draft:
    """A call that is ready but for the ids of its files."""

    by: WecomApp | WecomRobot
    path: str
    """Below the base address; a robot has but one."""
    body: Callable[[Media], Body]
    """Raises `CannotCarry`."""


class Drafts:
    """Writes the calls of the apps and robots in the settings."""

    def __init__(self, settings: WecomSendSettings) -> None:
        self._apps = {app.sender_id: app for app in settings.wecom_apps}
        self._robots = {robot.name: robot for robot in settings.wecom_robots}
        self._message_path = settings.wecom_message_path

    def of(self, message: Message) -> Draft:
        """Return the call. Raises `CannotCarry`."""
        content = message.content
        if isinstance(content, GroupSendContent):
            return self._group_send(message, content)
        match target_of(message.recipient):
            case Members() as members:
                return self._to_members(message, members)
            case Chat() as chat:
                app = self.app(message.sender_id)
                return Draft(app, _CHAT_PATH, lambda media: to_chat(message, chat, media))
            case RobotGroup(name):
                return self._by_robot(message, name)
            case None:
                raise CannotCarry("no such recipient", ErrorCode.INVALID_RECIPIENT)

    def problem(self, message: Message) -> Failure | None:
        """Return why there is no such call, nothing where there is one."""
        try:
            encoded(self.of(message).body(Media()))
        except CannotCarry as error:
            return error.failure
        return None

    def app(self, sender_id: str) -> WecomApp:
        """Return the app of that name. Raises `CannotCarry`."""
        app = self._apps.get(sender_id)
        if app is None:
            raise CannotCarry("`senderId` names no app of WECOM_APPS")
        return app

    def robot(self, name: str) -> WecomRobot:
        """Return the robot of that name. Raises `CannotCarry`."""
        robot = self._robots.get(name)
        if robot is None:
            raise CannotCarry("WECOM_ROBOTS has no such robot", ErrorCode.INVALID_RECIPIENT)
        return robot

    def _to_members(self, message: Message, members: Members) -> Draft:
        app = self.app(message.sender_id)
        if app.agent_id is None:
            raise CannotCarry("the app of WECOM_APPS needs its agentId to write to members")
        agent_id = int(app.agent_id)
        return Draft(
            app, self._message_path, lambda media: to_members(message, members, agent_id, media)
        )

    def _by_robot(self, message: Message, name: str) -> Draft:
        if message.sender_id != ROBOTS:
            raise CannotCarry(f"`senderId` of what a robot says is `{ROBOTS}`")
        robot = self.robot(name)
        return Draft(robot, "", lambda media: to_group(message.content, media))

    def _group_send(self, message: Message, content: GroupSendContent) -> Draft:
        app = self.app(message.sender_id)
        if not app.customer_contact:
            raise CannotCarry("the app of WECOM_APPS may not create group sends: customerContact")
        return Draft(app, group_sends.PATH, lambda media: group_sends.body_of(content, media))
