"""Every way to tell people, a row each."""

from survey_site.notifications import mail, webhook
from survey_site.notifications.channel import Channel

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (mail.CHANNEL, webhook.CHANNEL)}
