"""PDFの組立: pages, structure for reading aloud, fonts and metadata of one file, with pikepdf.

The structure is Document, one Sect per slip, and in it headings, paragraphs and figures whose
text is label and value together. No conformity with PDF/UA is claimed.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import escape

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

from qr.draw.pdf_fonts import EmbeddedFace, compressed
from qr.draw.slip_set import resource_name
from qr.layout.shapes import MM, PAGE_HEIGHT_MM, PAGE_WIDTH_MM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pikepdf import Object

    from qr.draw.slip_set import FontUse
    from qr.layout.fonts import Face
    from qr.layout.shapes import SlipLayout

PRODUCER = "kokin"
LANGUAGE = "ja-JP"
FIGURE = "Figure"

_TAGS = {tag: Name(f"/{tag}") for tag in ("H1", "H2", "P", FIGURE)}

Spoken = tuple[str, str]
"""Tag and what is read aloud, in the order of the marked content numbers."""

_SIZE = (round(PAGE_WIDTH_MM * MM, 4), round(PAGE_HEIGHT_MM * MM, 4))


class SlipDocument:
    """納付書のファイル: takes one page after another; memory grows by the finished page only."""

    def __init__(
        self, layout: SlipLayout, forms: Mapping[str, str], made_at: datetime | None
    ) -> None:
        """Begin a file whose pages each show one of these forms, by name."""
        self._pdf = pikepdf.new()
        self._box = Array([0, 0, *_SIZE])
        self._title = layout.title
        self._made_at = made_at
        self._fonts = self._pdf.make_indirect(Dictionary())
        used = self._pdf.make_indirect(Dictionary(Font=self._fonts, XObject=self._pictures(layout)))
        drawn = {f"/{name}": self._form(operators, used) for name, operators in forms.items()}
        self._resources = self._pdf.make_indirect(
            Dictionary(Font=self._fonts, XObject=Dictionary(drawn))
        )
        self._document = self._pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document))
        self._tree = self._pdf.Root.Pages
        self._pages: list[Object] = []
        self._sections: list[Object] = []
        self._parents: list[Object | int] = []

    def _form(self, operators: str, resources: Object) -> Object:
        """One form as an object of the file."""
        drawn = compressed(self._pdf, operators.encode("ascii"))
        drawn.Type, drawn.Subtype, drawn.BBox = Name.XObject, Name.Form, self._box
        drawn.Resources = resources
        return drawn

    def add_page(self, content: bytes, title: str, spoken: Sequence[Spoken]) -> None:
        """Add a page from its compressed operators."""
        pdf = self._pdf
        stream = pdf.make_stream(content)
        stream.Filter = Name.FlateDecode
        number = len(self._sections)
        page = pdf.make_indirect(
            Dictionary(
                Type=Name.Page,
                MediaBox=self._box,
                Resources=self._resources,
                Contents=stream,
                StructParents=number,
                Tabs=Name.S,
                Parent=self._tree,
            )
        )
        self._pages.append(page)
        section = pdf.make_indirect(
            Dictionary(Type=Name.StructElem, S=Name.Sect, P=self._document, T=String(title))
        )
        elements = [
            pdf.make_indirect(
                Dictionary(
                    {
                        "/S": _TAGS[tag],
                        "/P": section,
                        "/Pg": page,
                        "/K": mcid,
                        "/Alt" if tag == FIGURE else "/ActualText": words,
                    }
                )
            )
            for mcid, (tag, words) in enumerate(spoken)
        ]
        section.K = Array(elements)
        self._sections.append(section)
        self._parents += [number, Array(elements)]

    def save(self, out: BinaryIO, faces: Mapping[str, Face], use: FontUse) -> None:
        """Embed the fonts and write the file."""
        for name, face in faces.items():
            texts = {0: {face.glyphs[ord(c)]: c for c in use.characters(name)}}
            for (used_by, number), glyphs in use.used.items():
                if used_by == name:
                    texts.setdefault(number, {}).update(glyphs)
            if not any(texts.values()):
                continue
            embedded = EmbeddedFace(self._pdf, face, {g for t in texts.values() for g in t})
            for number, glyphs in sorted(texts.items()):
                if glyphs:
                    self._fonts[f"/{resource_name(name, number)}"] = embedded.resource(glyphs)
        self._finish()
        self._pdf.save(
            out,
            min_version="1.7",
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            deterministic_id=True,
        )
        self._pdf.close()

    def _finish(self) -> None:
        """Catalogue, structure tree and metadata."""
        pdf, root = self._pdf, self._pdf.Root
        # Appending pages one by one would cost more than drawing them.
        self._tree.Kids = Array(self._pages)
        self._tree.Count = len(self._pages)
        tree = pdf.make_indirect(
            Dictionary(
                Type=Name.StructTreeRoot,
                K=self._document,
                ParentTree=pdf.make_indirect(Dictionary(Nums=Array(self._parents))),
                ParentTreeNextKey=len(self._sections),
            )
        )
        self._document.P = tree
        self._document.K = Array(self._sections)
        root.StructTreeRoot = tree
        root.MarkInfo = Dictionary(Marked=True)
        root.Lang = String(LANGUAGE)
        # A viewer must not "fit to page": the symbols stand on the grid of the printer.
        root.ViewerPreferences = Dictionary(DisplayDocTitle=True, PrintScaling=Name("/None"))
        stream = pdf.make_stream(_xmp(self._title, self._made_at))
        stream.Type, stream.Subtype = Name.Metadata, Name.XML
        root.Metadata = stream
        pdf.docinfo["/Title"] = self._title
        pdf.docinfo["/Producer"] = PRODUCER
        if self._made_at is not None:
            zone = self._made_at.strftime("%z") or "+0000"
            stamp = self._made_at.strftime("D:%Y%m%d%H%M%S")
            pdf.docinfo["/CreationDate"] = f"{stamp}{zone[:3]}'{zone[3:]}'"

    def _pictures(self, layout: SlipLayout) -> Dictionary:
        """The layout's pictures as image objects."""
        found = Dictionary()
        for number, picture in enumerate(layout.pictures, start=1):
            with Image.open(io.BytesIO(picture.data)) as image:
                flat = Image.new("RGB", image.size, "white")
                flat.paste(image, mask=image.convert("RGBA").getchannel("A"))
            stream = compressed(self._pdf, flat.tobytes())
            stream.Type, stream.Subtype = Name.XObject, Name.Image
            stream.Width, stream.Height = flat.size
            stream.ColorSpace, stream.BitsPerComponent = Name.DeviceRGB, 8
            found[f"/Im{number}"] = stream
        return found


def _xmp(title: str, made_at: datetime | None) -> bytes:
    """The metadata packet."""
    made = f"<xmp:CreateDate>{made_at.isoformat()}</xmp:CreateDate>" if made_at else ""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{LANGUAGE}</rdf:li></rdf:Bag></dc:language>
<pdf:Producer>{PRODUCER}</pdf:Producer>{made}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
