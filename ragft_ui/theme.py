"""Colours, type and the files that the page loads: one theme, one style sheet, one script, one font."""

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parents[1] / "assets"
SHEETS = ("styles.css", "tune.css")  # later ones win
FONTS = ASSETS / "fonts"
RANGES = {
    "inter-latin-wght-normal.woff2": "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,"
    "U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
    "inter-latin-ext-wght-normal.woff2": "U+0100-02BA,U+1E00-1EFF",
}
SLATE = {
    "body_background_fill": ("#f6f7f9", "#0a0f1a"),
    "background_fill_primary": ("#ffffff", "#111827"),
    "block_background_fill": ("#ffffff", "#111827"),
    "block_border_color": ("#e2e8f0", "#253044"),
    "block_label_text_color": ("#475569", "#cbd5e1"),
    "block_title_text_color": ("#334155", "#e2e8f0"),
    "block_info_text_color": ("#566377", "#94a3b8"),
    "input_background_fill": ("#ffffff", "#0d1422"),
    "input_border_color": ("#cbd5e1", "#334155"),
    "input_placeholder_color": ("#64748b", "#94a3b8"),
    "button_primary_background_fill": ("#0f172a", "#f1f5f9"),
    "button_primary_background_fill_hover": ("#1e293b", "#ffffff"),
    "button_primary_text_color": ("#ffffff", "#0f172a"),
    "button_secondary_background_fill": ("#ffffff", "#1e293b"),
    "button_secondary_border_color": ("#cbd5e1", "#334155"),
    "button_cancel_background_fill": ("#b91c1c", "#b91c1c"),
    "button_cancel_background_fill_hover": ("#991b1b", "#991b1b"),
    "button_cancel_text_color": ("#ffffff", "#ffffff"),
    "slider_color": ("#2563eb", "#60a5fa"),
    "checkbox_background_color_selected": ("#2563eb", "#3b82f6"),
    "checkbox_label_background_fill_selected": ("#eff6ff", "#172554"),
    "checkbox_label_text_color_selected": ("#1e3a8a", "#dbeafe"),
}


def theme() -> gr.themes.Base:
    """Gradio's plain theme in slate, with a neutral ink button and our own font."""
    pairs = {name: light for name, (light, _) in SLATE.items()}
    pairs |= {f"{name}_dark": dark for name, (_, dark) in SLATE.items()}
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.slate,
        secondary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
        font=[gr.themes.Font("Inter var"), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[gr.themes.Font("ui-monospace"), "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    )
    return base.set(
        block_title_text_weight="600",
        block_title_text_size="13px",
        block_shadow="none",
        input_border_width="1px",
        button_border_width="1px",
        loader_color="#2563eb",
        **pairs,
    )


def head() -> str:
    """The style sheet and the fonts; `css=` would be rewritten by Gradio, a <style> is not."""
    gr.set_static_paths([FONTS])
    fonts = "".join(
        "@font-face{font-family:'Inter var';font-weight:100 900;font-display:swap;"
        f"src:url('gradio_api/file={FONTS / name}') format('woff2');unicode-range:{characters};}}"
        for name, characters in RANGES.items()
    )
    sheets = "".join((ASSETS / name).read_text("utf-8") for name in SHEETS)
    return f"<style>{fonts}{sheets}</style>"


def script() -> str:
    return (ASSETS / "app.js").read_text("utf-8")
