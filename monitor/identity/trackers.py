"""Which parameters of an address say where a reader came from, and nothing of what there is to read.

A name stands here if it belongs to a measuring service by its documentation, or was seen in the addresses of that publisher's own feeds
and share buttons. Names that some site could mean something by (ref, source, from, cid, mod, s, t) are given up only where their value
or the site leaves no doubt.
"""

from __future__ import annotations

import re
from functools import cache

_EVERYWHERE = re.compile(
    r"""(?:
      utm_\w+ | (?:mtm|matomo|piwik|pk|itm|hsa|stm)_\w+ | at_\w+ | ns_(?:mchannel|source|campaign|linkname|fee|ssl)  # campaigns
    | wt[._]\w+ | xt(?:or|cr|mc|ref|rck) | s_(?:cid|kwcid) | cmpid | intcmp | int_cmp | icid | ncid
    | _openstat | yrwinfo | mtrref | maca | ftag | spm | smtyp | smid | ocid | feedtype | feedname | traffic_source
    | guccounter | guce_referrer(?:_sig)? | ref_(?:src|url)
    | (?:fb|g|d|tt|tw|y|ys|ir)clid | msclkid | rb_clickid | gclsrc | gad_(?:source|campaignid) | [gw]braid | srsltid | _g[al] | _gac  # click ids
    | fb_(?:action_ids|action_types|source|ref|comment_id) | mibextid | __tn__ | __cft__(?:\[\d*\])?
    | igsh(?:id)? | li_fat_id | trk(?:info|email)? | rdt_cid | sccid | epik | _branch_(?:match_id|referrer) | __twitter_impression
    | mc_[ce]id | mkt_tok | _hs(?:enc|mi) | __hs(?:sc|tc|fp) | hsctatracking | _kx | _ke | vero_(?:id|conv) | wickedid  # letters by e-mail
    | oly_(?:enc|anon)_id | ml_subscriber(?:_hash)? | ck_subscriber_id | bsft_\w+ | sailthru_\w+ | cm_(?:mmc|ven|cat|pla|ite)\w* | dicbo | tblci
    | phpsessid | jsessionid | aspsessionid\w* | cfid | cftoken  # sessions
    | amp | amp_\w+ | __amp_source_origin | usqp  # the AMP viewer
    )\Z""",
    re.IGNORECASE | re.VERBOSE,
)

_PAIRS = re.compile(
    r"(?:ref|from|source|src|via|partner|origin|referr?er)=(?:rss(?:[-_]?feed)?|feed|twitter|facebook|telegram|whatsapp|linkedin|newsletter|email)\Z"
    r"|rss=(?:1|true|yes)?\Z|(?:outputtype|output|format|view|tpl|template)=amp\Z",
    re.IGNORECASE,
)

_SITES = {
    "nytimes.com": "_r _rmoc action algo auth block campaign_id clicksource configuration contentcollection contentplacement emc fellback hp hpw"
    " imp_id index instance_id login mabreward module n nl nlid partner pgtype pool ref referer referrer referringsource region regi_id req_id"
    " rref searchresultposition segment_id sgrp src surface te unlocked_article_code user_id variant version rc",
    "washingtonpost.com": "hpid itid tid wpisrc wpmm pml arc404 nid pwapi_token sharetype _pml",
    "wsj.com": "mod st reflink mg tesla page_pos gaa_at gaa_n gaa_ts gaa_sig",
    "marketwatch.com": "mod st reflink",
    "theguardian.com": "cmp cmp_tu acquisitiondata inarticle",
    "bbc.co.uk": "post_type link_location intlink_from_url facebook_page bbc_team",
    "bbc.com": "post_type link_location intlink_from_url facebook_page bbc_team",
    "cnn.com": "hpt iref eref iid sr on.cnn cid",
    "foxnews.com": "test intcmp",
    "reuters.com": "il rpc taid edition-redirect",
    "bloomberg.com": "srnd sref leadsource embedded-checkout in_source cmpid accesstoken",
    "forbes.com": "sh ss",
    "ft.com": "sharetype accesstoken segmentid ftcamp",
    "economist.com": "fsrc gift",
    "theatlantic.com": "gift",
    "time.com": "xid",
    "abcnews.go.com": "cid",
    "dailymail.co.uk": "ito mrn_rm reply",
    "thehill.com": "rl",
    "rbc.ru": "from",
    "ria.ru": "in",
    "youtube.com": "feature ab_channel si pp app",
    "youtu.be": "feature si",
    "twitter.com": "s t cxt ref_src",
    "x.com": "s t cxt ref_src",
}


def tracks(host: str, pair: str) -> bool:
    """Whether a pair "name=value" of this site's address only says where a reader came from."""
    name = pair.partition("=")[0].lower()
    return bool(_EVERYWHERE.match(name) or _PAIRS.match(pair)) or name in _of(_site(host))


def _site(host: str) -> str:
    """The publisher that a host belongs to, of those in the table: nytimes.com of cooking.nytimes.com."""
    labels = host.split(".")
    names = (".".join(labels[-n:]) for n in (3, 2))
    return next((name for name in names if name in _SITES), "")


@cache
def _of(site: str) -> frozenset[str]:
    return frozenset(_SITES.get(site, "").split())
