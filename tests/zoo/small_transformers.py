"""Small models of `transformers`, one of each kind: a config of a few layers, and what the model is called with."""

from __future__ import annotations

import torch

TEXT = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}
GROUPED = TEXT | {"num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0}
GPT = {"vocab_size": 60, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 40}
PICTURE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "image_size": 32, "patch_size": 8}
SOUND = {
    "vocab_size": 20,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (16, 16),
    "conv_kernel": (4, 4),
    "conv_stride": (4, 4),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
ENCODER_DECODER = {
    "vocab_size": 60,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 40,
}
STAGES = {"depths": [1, 1], "num_channels": 3}

# name of the config's class -> (settings, what it is called with)
MODELS = {
    "Bert": (TEXT, "text"),
    "Roberta": (TEXT, "text"),
    "Albert": (TEXT | {"embedding_size": 16}, "text"),
    "DistilBert": ({"vocab_size": 60, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": 40}, "text"),
    "Electra": (TEXT | {"embedding_size": 16}, "text"),
    "DebertaV2": (TEXT | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}, "text"),
    "MobileBert": (
        TEXT | {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16, "num_feedforward_networks": 1},
        "text",
    ),
    "MPNet": (TEXT, "text"),
    "SqueezeBert": (TEXT | {"embedding_size": 32, "q_groups": 1, "k_groups": 1, "v_groups": 1}, "text"),
    "RoFormer": (TEXT | {"embedding_size": 32}, "text"),
    "Nystromformer": (TEXT | {"segment_means_seq_len": 12, "num_landmarks": 4}, "text"),
    "FNet": (TEXT, "text"),
    "ConvBert": (TEXT | {"embedding_size": 32}, "text"),
    "ModernBert": (TEXT | {"pad_token_id": 0}, "text"),
    "Megatron-Bert": (TEXT, "text"),
    "XLMRoberta": (TEXT, "text"),
    "Camembert": (TEXT, "text"),
    "Ernie": (TEXT, "text"),
    "GPT2": (GPT, "text"),
    "GPTNeoX": (TEXT, "text"),
    "GPTJ": (GPT | {"rotary_dim": 4}, "text"),
    "CodeGen": (GPT | {"rotary_dim": 4}, "text"),
    "GPTNeo": (
        {
            "vocab_size": 60,
            "hidden_size": 32,
            "num_layers": 2,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 1]],
            "max_position_embeddings": 40,
        },
        "text",
    ),
    "OPT": (
        {
            "vocab_size": 60,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "ffn_dim": 48,
            "max_position_embeddings": 40,
            "word_embed_proj_dim": 32,
        },
        "text",
    ),
    "Bloom": ({"vocab_size": 60, "hidden_size": 32, "n_layer": 2, "n_head": 4}, "text"),
    "Llama": (GROUPED, "text"),
    "Mistral": (GROUPED, "text"),
    "Qwen2": (GROUPED, "text"),
    "Qwen3": (GROUPED, "text"),
    "Gemma": (GROUPED, "text"),
    "Gemma2": (GROUPED, "text"),
    "Phi": (TEXT, "text"),
    "Phi3": (GROUPED, "text"),
    "StableLm": (GROUPED, "text"),
    "Starcoder2": (GROUPED, "text"),
    "Falcon": ({"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}, "text"),
    "Mpt": ({"vocab_size": 60, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 40}, "text"),
    "Olmo": (GROUPED, "text"),
    "Mamba": ({"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}, "text"),
    "T5": ({"vocab_size": 60, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}, "pair"),
    "Bart": (ENCODER_DECODER, "pair"),
    "MBart": (ENCODER_DECODER, "pair"),
    "Pegasus": (ENCODER_DECODER, "pair"),
    "Marian": (ENCODER_DECODER | {"pad_token_id": 0}, "pair"),
    "ViT": (PICTURE, "picture"),
    "DeiT": (PICTURE, "picture"),
    "Beit": (PICTURE | {"vocab_size": 60}, "picture"),
    "ViTMAE": (PICTURE, "picture"),
    "Dinov2": (
        {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28, "patch_size": 7, "mlp_ratio": 2},
        "picture28",
    ),
    "Swin": ({"image_size": 32, "patch_size": 2, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4}, "picture"),
    "Swinv2": ({"image_size": 32, "patch_size": 2, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4}, "picture"),
    "ConvNext": (STAGES | {"hidden_sizes": [16, 32], "num_stages": 2}, "picture"),
    "ConvNextV2": (STAGES | {"hidden_sizes": [16, 32], "num_stages": 2}, "picture"),
    "ResNet": (STAGES | {"embedding_size": 16, "hidden_sizes": [16, 32]}, "picture"),
    "RegNet": (STAGES | {"embedding_size": 16, "hidden_sizes": [16, 32], "groups_width": 8}, "picture"),
    "PoolFormer": ({"hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1]}, "picture"),
    "Segformer": (
        {
            "num_encoder_blocks": 2,
            "depths": [1, 1],
            "sr_ratios": [2, 1],
            "hidden_sizes": [16, 32],
            "patch_sizes": [7, 3],
            "strides": [4, 2],
            "num_attention_heads": [1, 2],
            "mlp_ratios": [2, 2],
        },
        "picture",
    ),
    "MobileNetV2": ({"depth_multiplier": 0.35, "image_size": 32}, "picture"),
    "MobileViT": ({"image_size": 64, "hidden_sizes": [16, 24, 32]}, "picture64"),
    "EfficientNet": ({"image_size": 32, "width_coefficient": 0.25, "depth_coefficient": 0.2, "hidden_dim": 320}, "picture"),
    "Levit": (
        {"image_size": 64, "hidden_sizes": [16, 32, 48], "depths": [1, 1, 1], "key_dim": [8, 8, 8], "num_attention_heads": [2, 4, 6]},
        "picture64",
    ),
    "Wav2Vec2": (SOUND, "sound"),
    "Hubert": (SOUND, "sound"),
    "WavLM": (SOUND, "sound"),
    "UniSpeech": (SOUND, "sound"),
    "Data2VecAudio": (SOUND | {"num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 5}, "sound"),
    "Whisper": (
        ENCODER_DECODER
        | {
            "num_mel_bins": 16,
            "max_source_positions": 25,
            "max_target_positions": 40,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 1,
        },
        "mel",
    ),
    "AST": (PICTURE | {"max_length": 48, "num_mel_bins": 16, "patch_size": 8}, "spectrogram"),
    "CLIPVision": (PICTURE, "picture"),
    "CLIPText": (TEXT, "text"),
    "SiglipVision": (PICTURE, "picture"),
    "BlipVision": (PICTURE, "picture"),
}

ids = lambda: torch.arange(24).view(2, 12) % 50 + 3
INPUTS = {
    "text": lambda: {"input_ids": ids()},
    "pair": lambda: {"input_ids": ids(), "decoder_input_ids": ids()[:, :7]},
    "picture": lambda: {"pixel_values": torch.zeros(2, 3, 32, 32)},
    "picture28": lambda: {"pixel_values": torch.zeros(2, 3, 28, 28)},
    "picture64": lambda: {"pixel_values": torch.zeros(2, 3, 64, 64)},
    "sound": lambda: {"input_values": torch.zeros(2, 800)},
    "mel": lambda: {"input_features": torch.zeros(2, 16, 50), "decoder_input_ids": ids()[:, :7]},
    "spectrogram": lambda: {"input_values": torch.zeros(2, 48, 16)},
}


def build(name: str):
    """The model and its keyword arguments."""
    import transformers

    settings, called = MODELS[name]
    plain = name.replace("-", "")
    config = getattr(transformers, f"{plain}Config")(**settings)
    model = getattr(transformers, f"{plain}Model")(config).eval()
    return model, INPUTS[called]()
