//! Texts of pictures: what is written is read again, and whatever is read, nothing panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use tintype_pipeline::files::{Picture, PictureFormat, read_picture, write_picture};
use tintype_pipeline::recipe::{Made, Recipe, a1111};
use tintype_pipeline::{Request, Settings};

fn picture(keyword: &str, text: &str) -> Picture {
    Picture { width: 2, height: 1, rgb: vec![7; 6], text: vec![(keyword.into(), text.into())] }
}

/// A record whose settings are these.
fn made(settings: Settings) -> Made {
    let mut text = serde_json::to_value(&settings).unwrap();
    text["model"] = "a model: one, two".into();
    text["scheduler"] = "FlowMatchEulerDiscreteScheduler".into();
    serde_json::from_value(text).unwrap()
}

fn settings() -> impl Strategy<Value = Settings> {
    let prompt = "\\PC{0,40}(\n\\PC{1,20}){0,2}";
    let factor = prop::option::of(prop::num::f64::POSITIVE | prop::num::f64::NORMAL);
    (prompt, prop::option::of("\\PC{1,20}"), factor, any::<u64>(), 1usize..1000, 1usize..9, any::<usize>())
        .prop_map(|(prompt, negative, factor, seed, steps, count, width)| Settings {
            prompt,
            negative,
            true_cfg: factor,
            guidance: factor,
            sigmas: factor.map(|sigma| vec![sigma, sigma / 2.0]),
            seed,
            steps,
            count,
            width,
            height: 16,
            dtype: "bf16".into(),
            noise_dtype: "f32".into(),
            ..Settings::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_record_is_read_as_it_was_written(settings in settings(), number in 0usize..9) {
        let made = made(settings.clone()).picture(number);
        let text = &made.texts().unwrap()[2].1;
        prop_assert_eq!(&serde_json::from_str::<Made>(text).unwrap(), &made);
        let recipe = Recipe::of(&picture("tintype", text)).unwrap().unwrap();
        let Request { prompt, seed, guidance, width, .. } = recipe.request;
        prop_assert_eq!((prompt, seed, guidance), (settings.prompt, settings.seed, settings.guidance));
        prop_assert_eq!(width, Some(settings.width));
        prop_assert!(recipe.not_taken.is_empty());
    }

    #[test]
    fn the_text_for_other_tools_gives_numbers_and_words_back(settings in settings()) {
        let back = a1111::read(&a1111::write(&made(settings.clone())));
        let of = |name: &str| back.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        prop_assert_eq!(of("Seed"), Some(settings.seed.to_string()));
        prop_assert_eq!(of("Steps"), Some(settings.steps.to_string()));
        prop_assert_eq!(of("Model"), Some("a model: one, two".into()));
        if !settings.prompt.contains("Negative prompt:") {
            let lines: Vec<_> = settings.prompt.trim().lines().map(str::trim).collect();
            let lines = lines.join("\n");
            prop_assert_eq!(back.prompt.trim(), lines.trim());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}|[A-Z:,\" \n\\\\a-z0-9]{0,200}", keyword in "tintype|parameters") {
        let _ = Recipe::of(&picture(&keyword, &text));
    }

    #[test]
    fn any_text_goes_through_every_format(text in "\\PC{0,100}") {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "a.jpg", "a.webp"] {
            let path = folder.path().join(name);
            write_picture(&path, &picture("parameters", &text), PictureFormat::of(&path).unwrap()).unwrap();
            prop_assert_eq!(&read_picture(&path).unwrap().text[0].1, &text, "{}", name);
        }
    }
}
