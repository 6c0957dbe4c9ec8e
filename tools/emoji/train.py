"""Trains everything in one go: `train.py --pictures PICTURES.npz --ids IDS.npz --out FOLDER --seconds N`.

FOLDER gets the log, sample sheets and the state. Where it already holds `vae.safetensors` or the denoiser's state, training goes
on from there. A file FOLDER/deadline (seconds since 1970) moves the end while training runs.
"""

import argparse
import random
import time
from pathlib import Path

import torch

import state
import train_flow
import train_vae
from data import Data
from model import Denoiser, autoencoder, clip_encoder, pack, t5_encoder, transformer
from retrieval import Gallery
from sample import draw
from sheet import save_sheet


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--ids", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=1500, help="in all, from the start of this process")
    parser.add_argument("--vae-seconds", type=float, default=240)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--vae-batch", type=int, default=128)
    parser.add_argument("--probe-seconds", type=float, default=15)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 3e-3])
    parser.add_argument("--look-seconds", type=float, default=90)
    parser.add_argument("--limit", type=int, help="use only this many pictures")
    parser.add_argument("--tiny", action="store_true", help="a smaller model, to try the script")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    begun, args = time.time(), arguments()
    args.out.mkdir(parents=True, exist_ok=True)

    def log(text: str) -> None:
        line = f"[{time.time() - begun:6.1f}] {text}"
        print(line, flush=True)
        with (args.out / "log").open("a") as file:
            file.write(line + "\n")

    def deadline() -> float:
        moved = args.out / "deadline"
        return float(moved.read_text()) if moved.exists() else begun + args.seconds

    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    # With cuDNN's attention every weight was NaN within 25 steps, on an H100 with PyTorch 2.11; without it none ever was.
    torch.backends.cuda.enable_cudnn_sdp(False)
    data = Data(args.pictures, args.ids, args.device, args.limit)
    log(f"{data.count} pictures on {torch.cuda.get_device_name() if args.device == 'cuda' else 'the CPU'}")

    vae = autoencoder(args.tiny).to(args.device)
    if not state.load_vae(vae, args.out):
        vae = train_vae.train(vae, data, args.vae_seconds, args.vae_batch, log)
        state.save_vae(vae, args.out)
    vae = vae.eval().requires_grad_(False).to(args.device, memory_format=torch.contiguous_format)
    latents = train_vae.encode(vae, data)
    log(f"latents: mean {latents.mean():.3f}, deviation {latents.std():.3f}; psnr {train_vae.psnr(vae, data):.2f} dB")
    gallery = Gallery(torch.cat([data.pixels(part) for part in torch.arange(data.count, device=args.device).split(512)]), data.names)

    clip_size, t5_size, start, end = data.vocabulary
    model = Denoiser(clip_encoder(clip_size, start, end), t5_encoder(t5_size), transformer(args.tiny)).to(args.device)
    train_flow.initialise(model)
    flow = train_flow.Flow(model, data, latents, args.batch)

    # One random name, then one of its styles, 300 times; always the same ones.
    chooser, of_name = random.Random(args.seed), {}
    for i, name in enumerate(data.names):
        of_name.setdefault(name, []).append(i)
    asked = [chooser.choice(of_name[name]) for name in chooser.choices(sorted(of_name), k=300 if not args.tiny else 8)]
    noise = torch.randn(len(asked), 64, latents.shape[1] * 4, generator=torch.Generator().manual_seed(7)).to(args.device)
    names, index = [data.names[i] for i in asked], torch.tensor(asked, device=args.device)

    vae_first, vae_five = gallery.score(torch.cat([vae.decoder(part) for part in latents[index].split(64)]), names)
    log(f"retrieval of the autoencoder's own pictures: {sum(vae_first) / len(names):.3f} {sum(vae_five) / len(names):.3f}")
    save_sheet(args.out / "vae.png", torch.cat([data.pixels(index[:32]), vae.decoder(latents[index[:32]]).clamp(-1, 1)]))

    def evaluate(label: str, settings: list[dict]) -> None:
        mean = flow.averaged()
        for number, setting in enumerate(settings):
            made = draw(mean, vae, data.clip[index, 0], data.t5[index, 0], data.empty, noise, **setting)
            first, five = gallery.score(made, names)
            log(f"{label}: step {flow.steps} {setting} first {sum(first) / len(names):.3f} five {sum(five) / len(names):.3f}")
            if number == 0:
                save_sheet(args.out / "samples.png", made[:64])

    last = [time.time()]

    def look(left: float) -> None:
        if time.time() - last[0] > args.look_seconds and left > 20:
            last[0] = time.time()
            evaluate("mean weights", [{"true_cfg": 1.0}, {"true_cfg": 2.0}])
            state.save_flow(flow, args.out, trained)

    flow.warm()
    log("denoiser compiled")
    trained, peak = state.load_flow(flow, args.out)
    if peak is None:
        peak = train_flow.probe(flow, args.rates, args.probe_seconds, log) if len(args.rates) > 1 else args.rates[0]
    flow.peak = peak
    trained = train_flow.train(flow, peak, trained, deadline, log, look)
    log(f"denoiser: {flow.steps} steps of {flow.batch} in {trained:.0f} s")
    state.save_flow(flow, args.out, trained)
    every = [{"true_cfg": c, "shift": s} for s in (1.0, 2.0) for c in (1.0, 1.5, 2.0, 3.0)]
    evaluate("final", every)
    log("done")


if __name__ == "__main__":
    main()
